//! A table as the note has it: columns of one width, or a JSON record for each row.
//!
//! Note: Socket的基本特征. Go: `text/tabwriter`.

use std::fmt;

use serde::{Serialize, Serializer};
use shared::harness::report::Report;
use unicode_width::UnicodeWidthStr;

/// What stands in a cell that nothing on this machine can fill.
pub const NOT_SEEN: &str = "not seen here";

/// The columns by their JSON keys and by the note's headings.
pub struct Table {
    pub name: &'static str,
    pub columns: Vec<(&'static str, &'static str)>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn print(&self, out: &mut Report) -> anyhow::Result<()> {
        let headings: Vec<&str> = self.columns.iter().map(|(_, heading)| *heading).collect();
        let width = |nth: usize| self.rows.iter().map(|row| row[nth].width()).max().max(Some(headings[nth].width()));
        let widths: Vec<usize> = (0..headings.len()).filter_map(width).collect();
        out.heading(format_args!("{}", Line { cells: &headings, widths: &widths }))?;
        let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
        out.heading(format_args!("{}", Line { cells: &rule, widths: &widths }))?;
        self.rows.iter().try_for_each(|cells| out.record(&Row { table: self, cells, widths: &widths }))
    }
}

struct Row<'a> {
    table: &'a Table,
    cells: &'a [String],
    widths: &'a [usize],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let keys = self.table.columns.iter().map(|(key, _)| *key);
        let cells = keys.zip(self.cells.iter().map(String::as_str));
        serializer.collect_map([("table", self.table.name)].into_iter().chain(cells))
    }
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Line { cells: self.cells, widths: self.widths }.fmt(f)
    }
}

/// Cells side by side; a Chinese character is as wide as two others.
struct Line<'a, T> {
    cells: &'a [T],
    widths: &'a [usize],
}

impl<T: AsRef<str>> fmt::Display for Line<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.cells.len() - 1;
        for (nth, (cell, width)) in self.cells.iter().map(AsRef::as_ref).zip(self.widths).enumerate() {
            let blanks = if nth == last { 0 } else { width - cell.width() };
            write!(f, "{cell}{:blanks$}{}", "", if nth == last { "" } else { " | " })?;
        }
        Ok(())
    }
}
