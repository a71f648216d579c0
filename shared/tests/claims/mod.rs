//! What every program's `claims` must do; and docs/claims.md, in both languages, says what the ledger says.
//!
//! A program's own tests include this file, beside its `NAME` and where it is (`PROGRAM`).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Output};

use serde_json::Value;
use shared::harness::claims::lang::Lang;
use shared::harness::claims::ledger::{Proof, Statement, statements};

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../repository/mod.rs"]
mod repository;

use super::{NAME, PROGRAM};
use harness::text;

#[test]
fn every_claim_is_seen_as_recorded() {
    let output = run(&["claims", "--json"]);
    let records = records(&output);
    let is_as_recorded =
        |record: &&Value| ["skipped", record["verdict"].as_str().unwrap()].contains(&&*word(record, "observed"));
    let others: Vec<&Value> = records.iter().filter(|record| !is_as_recorded(record)).collect();
    assert!(others.is_empty(), "{others:?}");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(records.len(), listed().len());
    for record in &records {
        let keys: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["claim", "heading", "says", "verdict", "observed", "evidence", "command"]);
        assert!(!record["evidence"].as_str().unwrap().is_empty(), "{record}");
    }
}

/// The program itself refuses to list anything when one of its rows has no check, or one of its checks no row.
#[test]
fn every_row_of_the_program_is_listed_in_the_notes_order() {
    let rows = statements().iter().filter(|statement| statement.program() == Some(NAME));
    let numbers: Vec<String> = rows.map(|statement| statement.number.to_string()).collect();
    assert_eq!(listed().iter().map(|record| word(record, "claim")).collect::<Vec<_>>(), numbers);
}

#[test]
fn the_language_changes_what_the_note_says_and_nothing_else() {
    let [mut english, mut chinese] = [("C.UTF-8", "en"), ("zh_CN.UTF-8", "zh")].map(|(locale, lang)| {
        let by_locale = harness::output(command(&["claims", "--list", "--json"]).env("LC_ALL", locale)).unwrap();
        let listed = listed_in(&["--lang", lang]);
        assert_eq!(records(&by_locale), listed);
        listed
    });
    let says = |records: &mut [Value]| records.iter_mut().map(|record| record["says"].take()).collect::<Vec<_>>();
    let (in_english, in_chinese) = (says(&mut english), says(&mut chinese));
    assert!(in_english.iter().zip(&in_chinese).all(|(english, chinese)| english != chinese));
    assert_eq!(english, chinese);
}

#[test]
fn brief_leaves_number_verdict_and_evidence() {
    let brief = text(&run(&["claims", "--list", "--brief"]).stdout);
    let expected = listed().into_iter().map(|claim| format!("{} {}", word(&claim, "claim"), word(&claim, "verdict")));
    assert_eq!(brief.lines().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

/// The command that a claim names shows something and ends well, or hangs if that is what it shows, or cannot be shown here.
#[test]
fn the_command_of_every_claim_runs() {
    let mut commands: Vec<String> = listed().into_iter().map(|claim| word(&claim, "command")).collect();
    commands.sort();
    commands.dedup();
    for command in commands {
        let arguments: Vec<&str> = command.split(' ').skip(1).collect();
        if arguments[0] == "claims" {
            continue; // Run by every_claim_is_seen_as_recorded.
        }
        let output = run(&arguments);
        assert!(matches!(output.status.code(), Some(0 | 77 | 124)), "{command}: {}", text(&output.stderr));
    }
}

#[test]
fn the_pages_say_what_the_ledger_says() {
    for (path, lang) in [("docs/claims.md", "en"), ("docs/zh/claims.md", "zh")] {
        let mut rows = page(path);
        rows.retain(|_, row| row.command.starts_with(&format!("`{NAME} ")));
        for claim in listed_in(&["--lang", lang]) {
            let number: u16 = word(&claim, "claim").parse().unwrap();
            let row = rows.remove(&number).unwrap_or_else(|| panic!("no claim {number} in {path}: make docs"));
            let [heading, says, verdict, command] =
                ["heading", "says", "verdict", "command"].map(|key| word(&claim, key));
            assert_eq!(row.heading, heading, "{path}, claim {number}: make docs");
            assert_eq!(row.says.replace('\\', ""), says.replace('\\', ""), "{path}, claim {number}: make docs");
            let go = statement(number).go.as_ref().map(|step| format!(" · `go run . {step}`")).unwrap_or_default();
            assert_eq!((row.verdict, row.command), (verdict, format!("`{command}`{go}")), "claim {number}: make docs");
            assert!(!row.evidence.is_empty(), "{path}, claim {number} without evidence: make docs");
        }
        assert!(rows.is_empty(), "in {path}, but not in the ledger: {:?}: make docs", rows.keys());
    }
}

#[test]
fn a_claim_that_is_none_of_its_own_is_said_so() {
    let (code, error) = failure(&["claims", "0"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("there is no claim 0"), "{error}");
    assert!(error.contains(&format!("`{NAME} claims --list`")), "{error}");
    let other = statements().iter().find(|statement| statement.program().is_some_and(|name| name != NAME)).unwrap();
    let (code, error) = failure(&["claims", &other.number.to_string()]);
    assert_eq!(code, Some(2));
    assert!(error.contains(&format!("`{} claims {}`", other.program().unwrap(), other.number)), "{error}");
    let unchecked = statements().iter().find(|statement| matches!(statement.proof, Proof::Unchecked(_))).unwrap();
    for (name, lang) in [("en", Lang::En), ("zh", Lang::Zh)] {
        let (code, error) = failure(&["claims", "--lang", name, &unchecked.number.to_string()]);
        assert_eq!(code, Some(77));
        assert!(error.contains(&unchecked.why_unchecked(lang).unwrap()), "{error}");
    }
}

/// As `make claims ARGS=--list` does it, for all programs in one file.
#[test]
fn all_programs_together_are_listed_as_each_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    fs::write(&path, "").unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(run(&["claims", "--append", path, "--list", "--json"]).status.code(), Some(0));
    let together = run(&["claims", "--records", path, "--list", "--json"]);
    assert_eq!((together.status.code(), text(&together.stderr)), (Some(0), String::new()));
    assert_eq!(records(&together), listed());
}

/// Not even begun, all checks fail: what is not seen is never taken for what is recorded.
#[test]
fn without_time_nothing_is_as_recorded() {
    let claim = word(&listed()[0], "claim");
    let output = run(&["claims", "--json", "--timeout", "1ns", &claim]);
    assert_eq!(output.status.code(), Some(1));
    let records = records(&output);
    assert_eq!((records.len(), records[0]["observed"].as_str()), (1, Some("failed")), "{records:?}");
}

/// Without it, and with one that fails: nobody else is asked in its place.
#[test]
fn a_statement_about_go_is_skipped_without_go_and_fails_with_a_broken_one() {
    let ours = statements().iter().filter(|statement| statement.program() == Some(NAME));
    let Some(asked) = ours.filter(|statement| statement.go.is_some()).map(|statement| statement.number).next() else {
        return;
    };
    let tools = tempfile::tempdir().unwrap();
    for name in ["sh", "mktemp", "cat", "rm"] {
        let Some(tool) = harness::find_tool(name) else { return };
        symlink(tool, tools.path().join(name)).unwrap();
    }
    let claim = || {
        let mut command = command(&["claims", "--json", &asked.to_string()]);
        let output = harness::output(command.env("PATH", tools.path())).unwrap();
        let [record] = &records(&output)[..] else { panic!("{}", text(&output.stderr)) };
        (output.status.code(), word(record, "observed"), word(record, "evidence"))
    };
    assert_eq!(claim(), (Some(0), "skipped".into(), "go is not on PATH".into()));
    let go = tools.path().join("go");
    fs::write(&go, "#!/bin/sh\nprintf '# note\nmain.go:1: broken\nmore\n' >&2; exit 2\n").unwrap();
    fs::set_permissions(&go, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(claim(), (Some(1), "failed".into(), "go build: main.go:1: broken".into()));
}

fn statement(number: u16) -> &'static Statement {
    statements().iter().find(|statement| statement.number == number).unwrap()
}

struct Row {
    heading: String,
    says: String,
    verdict: String,
    evidence: String,
    command: String,
}

/// The rows of a page.
fn page(path: &str) -> BTreeMap<u16, Row> {
    let page = fs::read_to_string(repository::root().join(path)).unwrap();
    let mut heading = String::new();
    let mut rows = BTreeMap::new();
    for line in page.lines() {
        if let Some(text) = line.strip_prefix("## ") {
            text.clone_into(&mut heading);
        }
        // A bar inside a cell is escaped.
        let line = line.replace("\\|", "\u{1}");
        let cells: Vec<String> =
            line.split('|').map(|cell| cell.trim().replace('\u{1}', "|").replace("&lt;", "<")).collect();
        let [_, number, _, says, verdict, evidence, command, _] = &cells[..] else { continue };
        let Some(Ok(number)) = number.rsplit('>').next().map(str::parse) else { continue };
        let verdict = verdict.rsplit(' ').next().unwrap().to_owned();
        let [says, evidence, command] = [says.clone(), evidence.clone(), unlinked(command)];
        rows.insert(number, Row { heading: heading.clone(), says, verdict, evidence, command });
    }
    rows
}

/// The text of a cell's links: `` [`pipe-demo ipc`](../pipe-demo/src/ipc.rs) · `ls` ``.
fn unlinked(cell: &str) -> String {
    let parts = cell.split(" · ").map(|part| match part.strip_prefix('[').and_then(|link| link.split_once("](")) {
        Some((text, _)) => text,
        None => part,
    });
    parts.collect::<Vec<_>>().join(" · ")
}

fn listed() -> Vec<Value> {
    listed_in(&["--lang", "en"])
}

fn listed_in(language: &[&str]) -> Vec<Value> {
    let output = run(&[&["claims", "--list", "--json"], language].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    records(&output)
}

fn records(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A value without its quotes.
fn word(record: &Value, key: &str) -> String {
    record[key].as_str().map_or_else(|| record[key].to_string(), str::to_owned)
}

fn run(arguments: &[&str]) -> Output {
    harness::long_output(&mut command(arguments)).unwrap()
}

/// In English, whoever runs the tests.
fn command(arguments: &[&str]) -> Command {
    let mut command = harness::command(PROGRAM, arguments);
    command.env("LC_ALL", "C.UTF-8");
    command
}

fn failure(arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(arguments);
    (output.status.code(), text(&output.stderr))
}
