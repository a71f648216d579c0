//! The rules of the house, held over all sources.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::PathBuf;

use shared::harness::claims::ledger::HEADINGS;

mod repository;
#[path = "readme/table.rs"]
mod table;

use repository::root;

/// A file of more lines says in its head why: `//! Over 250 lines: …`.
const MOST_LINES: usize = 250;

struct Source {
    /// From the root of the repository: `tcpsock/src/plain.rs`.
    path: String,
    text: String,
}

impl Source {
    fn head(&self) -> impl Iterator<Item = &str> {
        self.text.lines().take_while(|line| line.starts_with("//!"))
    }

    /// Without unit tests and comments; each line with its number.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_code = |line: &&str| !(line.starts_with("#[cfg(") && line.contains("test"));
        let lines = self.text.lines().take_while(is_code).enumerate().filter(|_| !self.path.ends_with("/tests.rs"));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//")).map(|(nth, line)| (nth + 1, line))
    }

    fn is_main(&self) -> bool {
        self.path.ends_with("/main.rs")
    }

    /// The claims of a program.
    fn is_claims(&self) -> bool {
        !self.path.starts_with("shared/") && (self.path.ends_with("/claims.rs") || self.path.contains("/claims/"))
    }

    /// The lines that `break_rule`, to be shown.
    fn lines(&self, break_rule: impl Fn(&str) -> bool) -> Vec<String> {
        let broken = self.code().filter(|(_, line)| break_rule(line));
        broken.map(|(nth, line)| format!("{}:{nth}: {}", self.path, line.trim())).collect()
    }
}

fn sources() -> Vec<Source> {
    let source = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        Source { path: path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned(), text }
    };
    let mut sources: Vec<Source> = repository::sources().into_iter().map(source).collect();
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources
}

fn none(broken: impl IntoIterator<Item = String>) {
    let broken: Vec<String> = broken.into_iter().collect();
    assert!(broken.is_empty(), "{} times:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn every_file_says_at_its_head_what_it_is() {
    none(sources().into_iter().filter(|source| source.head().next().is_none()).map(|source| source.path));
}

#[test]
fn no_file_is_long_without_a_reason() {
    let has_reason = |source: &Source| source.head().any(|line| line.contains("Over 250 lines:"));
    let long = sources().into_iter().filter(|source| source.text.lines().count() > MOST_LINES && !has_reason(source));
    none(long.map(|source| format!("{}: {} lines", source.path, source.text.lines().count())));
}

#[test]
fn no_file_is_a_drawer() {
    let drawers = ["util", "utils", "common", "helpers", "misc", "prelude"];
    let names = |source: &Source| source.path.split(['/', '.']).any(|part| drawers.contains(&part));
    none(sources().into_iter().filter(names).map(|source| source.path));
}

/// main -> claims -> experiments and tools -> shared.
#[test]
fn an_experiment_knows_nothing_of_claims() {
    let all = sources();
    let experiments = all.iter().filter(|source| !source.path.starts_with("shared/"));
    let experiments = experiments.filter(|source| !source.is_main() && !source.is_claims());
    none(experiments.flat_map(|source| source.lines(|line| line.contains("claims::"))));
}

/// What a claim reads, the compiler sees: fields of records, and bytes that were sent; no key of JSON, no wording, no
/// name of an errno.
#[test]
fn no_claim_reads_prose() {
    let searches = [".contains(\"", ".starts_with(\"", ".ends_with(\""];
    let is_key = |line: &str| {
        let mut keys = line.match_indices("[\"");
        keys.any(|(place, _)| line[..place].ends_with(|c: char| c.is_alphanumeric() || ['_', ')', ']'].contains(&c)))
    };
    let is_prose = |text: &str| {
        let is_errno = text.len() > 3 && text.starts_with('E') && text.chars().all(|c| c.is_ascii_uppercase());
        text.contains(' ') || is_errno
    };
    let compares = |line: &str| {
        let compared = ["== \"", "!= \""].into_iter().flat_map(|sign| line.split(sign).skip(1));
        compared.filter_map(|rest| rest.split('"').next()).any(is_prose)
    };
    let reads = |line: &str| is_key(line) || compares(line) || searches.iter().any(|search| line.contains(search));
    let all = sources();
    none(all.iter().filter(|source| source.is_claims()).flat_map(|source| source.lines(reads)));
}

#[test]
fn the_rooms_of_shared_lean_one_way() {
    let rooms: [(&str, &[&str]); 2] = [("linux", &["harness", "cube_roots"]), ("harness", &["cube_roots"])];
    let all = sources();
    none(rooms.iter().flat_map(|(room, others)| {
        let folder = format!("shared/src/{room}");
        let inside = all.iter().filter(move |source| source.path.starts_with(&folder));
        let names = |line: &str| others.iter().any(|other| line.contains(&format!("crate::{other}")));
        inside.flat_map(move |source| source.lines(names)).collect::<Vec<_>>()
    }));
}

/// What a file and those in its folder share has a file of its own, beside them.
#[test]
fn no_file_takes_anything_from_the_file_above_it() {
    let all = sources();
    let modules: Vec<&str> = all.iter().map(|source| source.path.trim_end_matches(".rs")).collect();
    none(all.iter().flat_map(|source| {
        let folder = source.path.rsplit_once('/').unwrap().0;
        let is_file = |name: &str| modules.contains(&&*format!("{folder}/{name}"));
        let is_below = modules.contains(&folder);
        source.lines(|line| {
            let named = line.split("super::").skip(1).filter(|rest| !rest.starts_with("super"));
            is_below && !line.contains("super::super") && named.flat_map(names).any(|name| !is_file(name))
        })
    }));
}

/// The first word of a path, or of each path in braces.
fn names(path: &str) -> Vec<&str> {
    let paths = match path.strip_prefix('{') {
        Some(list) => list.split('}').next().unwrap().split(',').collect(),
        None => vec![path],
    };
    paths
        .into_iter()
        .map(|path| path.trim().split([':', ';', ' ', ',', '(', ')', '<', '>', '{']).next().unwrap())
        .collect()
}

/// What waits for an event waits for it, and not for a time.
#[test]
fn nothing_sleeps() {
    let sleeps = |line: &str| line.contains("thread::sleep") && !line.contains("// A timer");
    none(sources().iter().flat_map(|source| source.lines(sleeps)));
}

/// `println!` panics where stdout is closed, and is not told in JSON.
#[test]
fn what_is_printed_goes_through_the_report() {
    none(sources().iter().flat_map(|source| source.lines(|line| line.contains("println!("))));
}

#[test]
fn every_command_is_run_in_the_same_way() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut missing = Vec::new();
    for entry in table::entries(&readme) {
        let folder = match entry.program.as_str() {
            "process-demo" => "signal-demo/src/bin/process-demo",
            "sync-demo" => "pipe-demo/src/bin/sync-demo",
            program => &format!("{program}/src"),
        };
        let path = format!("{folder}/{}.rs", entry.command.replace('-', "_"));
        let Ok(text) = fs::read_to_string(root().join(&path)) else {
            missing.push(format!("{path}: no such file"));
            continue;
        };
        let is_run = |line: &str| {
            let arguments =
                line.strip_prefix("pub fn run(").and_then(|line| line.strip_suffix(") -> anyhow::Result<()> {"));
            arguments.is_some_and(|arguments| arguments.contains(": &Args, ") && arguments.ends_with(": &mut Report"))
        };
        if !text.lines().any(is_run) {
            missing.push(format!("{path}: no `pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()>`"));
        }
    }
    missing.dedup();
    none(missing);
}

/// A reader has to know which note is meant, and whether the installed Rust will do.
#[test]
fn both_readmes_name_the_note_and_the_rust_that_cargo_asks_for() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let rust = manifest.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    let names = [HEADINGS[0], "2018-04-24", &format!("Rust {rust} ")];
    none(["README.md", "README.zh.md"].into_iter().flat_map(|readme| {
        let text = fs::read_to_string(root().join(readme)).unwrap();
        names.into_iter().filter(move |name| !text.contains(name)).map(move |name| format!("{readme}: no {name}"))
    }));
}
