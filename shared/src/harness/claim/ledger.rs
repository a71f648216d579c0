//! The page docs/claims.md: every claim, with what was seen in a sample run or why no program can see it.

use std::fmt;

use crate::harness::report::Report;

use super::record::Record;
use super::unchecked::{UNCHECKED, Unchecked};
use super::{HEADINGS, Verdict};

enum Row<'a> {
    Checked(&'a Record),
    Unchecked(&'static Unchecked),
}

pub(super) fn print(out: &mut Report, records: &[Record]) -> anyhow::Result<()> {
    let mut rows: Vec<Row<'_>> = records.iter().map(Row::Checked).chain(UNCHECKED.iter().map(Row::Unchecked)).collect();
    rows.sort_by_key(Row::number);
    out.line(format_args!("# What the note says, checked\n"))?;
    out.line(format_args!(
        "{} statements of the note, {} of them checked by programs on the reader's kernel: `make claims` asks all, \
         `PROGRAM claims ID` one. The evidence is that of one run of `make docs`, which writes this page.\n",
        rows.len(),
        records.len()
    ))?;
    let verdicts = [Verdict::Holds, Verdict::Imprecise, Verdict::Refuted, Verdict::Outdated];
    let counts =
        verdicts.map(|verdict| format!("{verdict} {}", rows.iter().filter(|row| row.verdict() == verdict).count()));
    out.line(format_args!("In all: {}.", counts.join(", ")))?;
    for heading in HEADINGS {
        let rows: Vec<&Row<'_>> = rows.iter().filter(|row| row.heading() == heading).collect();
        if rows.is_empty() {
            continue;
        }
        out.line(format_args!("\n## {heading}\n\n| | the note says | verdict | evidence | see it |\n|-|-|-|-|-|"))?;
        rows.into_iter().try_for_each(|row| out.line(format_args!("{row}")))?;
    }
    Ok(())
}

impl Row<'_> {
    fn number(&self) -> u16 {
        match self {
            Row::Checked(record) => record.claim,
            Row::Unchecked(unchecked) => unchecked.number,
        }
    }

    fn heading(&self) -> &str {
        match self {
            Row::Checked(record) => &record.heading,
            Row::Unchecked(unchecked) => unchecked.heading,
        }
    }

    fn verdict(&self) -> Verdict {
        match self {
            Row::Checked(record) => record.verdict,
            Row::Unchecked(unchecked) => unchecked.verdict,
        }
    }
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (says, evidence, command) = match self {
            Row::Checked(record) => {
                let evidence = record.evidence.as_deref().map(cell).unwrap_or_default();
                (&*record.says, evidence, format!("`{}`", record.command))
            }
            Row::Unchecked(unchecked) => (unchecked.says, cell(&unchecked.to_string()), String::new()),
        };
        let number = self.number();
        write!(
            f,
            "| <a id=\"claim-{number}\"></a>{number} | {} | {} | {evidence} | {command} |",
            cell(says),
            self.verdict()
        )
    }
}

/// Text that is to stay in its cell and to stay text.
fn cell(text: &str) -> String {
    text.replace('\n', " ")
        .replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('*', "\\*")
        .replace('_', "\\_")
}
