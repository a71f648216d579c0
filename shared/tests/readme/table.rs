//! The README's table: a row a heading of the note; in it the commands that show it, each with a link to its file.
//!
//! `| 管道 | `pipe-demo` [run](pipe-demo/src/run.rs), [pipeline](…) · `fifo-demo` [demo](…) | os.Pipe |`

#![allow(dead_code, reason = "each test file uses its part")]

/// A command under a heading.
pub struct Entry {
    pub heading: String,
    pub program: String,
    pub command: String,
    pub file: String,
}

/// The first cells of the table, in its order.
pub fn headings(readme: &str) -> Vec<&str> {
    rows(readme).map(|cells| cells[0]).collect()
}

/// All commands of the table, in its order; one that stands under two headings twice.
pub fn entries(readme: &str) -> Vec<Entry> {
    rows(readme).flat_map(|[heading, commands, _]| in_row(heading, commands)).collect()
}

fn rows(readme: &str) -> impl Iterator<Item = [&str; 3]> {
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.filter_map(|row| row.split(" | ").collect::<Vec<_>>().try_into().ok()).skip(1)
}

fn in_row(heading: &str, commands: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for of_program in commands.split(" · ") {
        let (program, links) = of_program.split_once(' ').unwrap_or_default();
        for link in links.split(", ") {
            let (command, file) =
                link.trim_start_matches('[').trim_end_matches(')').split_once("](").unwrap_or_default();
            let [heading, program, command, file] =
                [heading, program.trim_matches('`'), command, file].map(str::to_owned);
            entries.push(Entry { heading, program, command, file });
        }
    }
    entries
}

/// The headings that the head of a source names: `//! Note: 管道 ("os.Pipe()"), 关于同步. Go: …`.
pub fn noted(source: &str) -> Vec<String> {
    let head: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let head = head.join(" ");
    let Some((_, note)) = head.split_once("Note: ") else { return Vec::new() };
    let note = [". Go:", ". Man:"].iter().fold(note, |note, end| note.split(end).next().unwrap_or_default());
    let mut outside = String::new();
    let mut depth = 0_usize;
    for c in note.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => outside.push(c),
            _ => {}
        }
    }
    outside.split(',').map(|heading| heading.trim().trim_end_matches('.').to_owned()).collect()
}
