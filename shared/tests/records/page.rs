//! docs/records.md, read: what each command prints, and what each key is.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;

/// A command with its arguments: its records, and the type of each key.
pub struct Command {
    pub name: String,
    pub records: Vec<Record>,
    pub types: BTreeMap<String, String>,
}

/// A line of the page.
pub struct Record {
    pub line: String,
    pub always: Vec<String>,
    /// The keys in brackets.
    pub sometimes: Vec<String>,
}

impl Record {
    /// Whether no machine has to show it.
    pub fn is_rare(&self) -> bool {
        self.line.starts_with(RARE)
    }
}

const RARE: &str = "sometimes: ";

/// The keys of many commands, and the commands.
pub fn read(page: &str) -> (BTreeMap<String, String>, Vec<Command>) {
    let (head, commands) = page.split_once("\n### ").unwrap_or((page, ""));
    (types(head), commands.split("\n### ").filter_map(command).collect())
}

/// Nothing, if the section lists no records.
fn command(section: &str) -> Option<Command> {
    let (name, text) = section.split_once('\n')?;
    let records = text.split_once("```text\n")?.1.split_once("```")?.0;
    Some(Command { name: name.to_owned(), records: records.lines().map(record).collect(), types: types(text) })
}

fn record(line: &str) -> Record {
    let keys = line.trim_start_matches(RARE).split(' ');
    let (sometimes, always): (Vec<&str>, Vec<&str>) = keys.partition(|key| key.starts_with('['));
    let sometimes = sometimes.iter().map(|key| key.trim_matches(['[', ']']).to_owned()).collect();
    Record { line: line.to_owned(), always: always.into_iter().map(str::to_owned).collect(), sometimes }
}

/// Of rows like ``| `read` | number or error | what read(2) returned |``.
fn types(text: &str) -> BTreeMap<String, String> {
    let row = |line: &str| {
        let (key, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((key.to_owned(), rest.split_once(" | ")?.0.to_owned()))
    };
    text.lines().filter_map(row).collect()
}
