//! docs/go is good Go, runs where Go is, and is what the programs carry.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use shared::harness::claims::go::{ENVIRONMENT, SOURCES};
use shared::harness::claims::ledger::statements;

mod harness;
mod repository;

use harness::{find_tool, long_output, text};
use repository::root;

fn folder() -> PathBuf {
    root().join("docs/go")
}

fn go(program: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder()).envs(ENVIRONMENT);
    long_output(&mut command).unwrap()
}

fn succeeds(program: &Path, arguments: &[&str]) -> String {
    let output = go(program, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_programs_carry_all_of_its_files() {
    let there: BTreeSet<String> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let carried: BTreeSet<String> = SOURCES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(carried, there);
}

#[test]
fn it_is_formatted_and_vetted() {
    let Some((go, gofmt)) = find_tool("go").zip(find_tool("gofmt")) else { return };
    assert_eq!(succeeds(&gofmt, &["-l", "."]), "");
    succeeds(&go, &["vet", "."]);
}

/// As where a program stands in for the compiler.
#[test]
fn a_step_that_asks_the_compiler_is_skipped_where_go_has_no_version() {
    let Some(compiler) = find_tool("go") else { return };
    let tools = tempfile::tempdir().unwrap();
    let [program, stand_in] = ["note", "go"].map(|name| tools.path().join(name));
    succeeds(&compiler, &["build", "-o", program.to_str().unwrap(), "."]);
    fs::write(&stand_in, "#!/bin/sh\necho no compiler >&2; exit 1\n").unwrap();
    fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
    for step in [["pipes", "listings"], ["signals", "go-run-builds"], ["deadlines", "imports"]] {
        let mut command = Command::new(&program);
        let skipped = long_output(command.args(step).env("PATH", tools.path())).unwrap();
        let (code, why) = (skipped.status.code(), text(&skipped.stderr));
        assert_eq!((code, why.as_str()), (Some(77), "go version: exit status 1 no compiler\n"), "{step:?}");
    }
}

/// A step that cannot be shown on this machine is left out, aloud.
#[test]
fn every_heading_shows_something_and_every_row_asks_for_one_of_its_steps() {
    let Some(compiler) = find_tool("go") else { return };
    let built = tempfile::tempdir().unwrap();
    let program = built.path().join("note");
    succeeds(&compiler, &["build", "-o", program.to_str().unwrap(), "."]);
    let usage = text(&go(&program, &[]).stderr);
    let headings: Vec<(&str, Vec<&str>)> = usage.lines().skip(1).map(heading).collect();
    assert!(!headings.is_empty());
    for (name, _) in &headings {
        assert!(!succeeds(&program, &[name]).is_empty(), "{name}");
    }
    for step in statements().iter().filter_map(|statement| statement.go.as_ref()) {
        let (name, step) = step.split_once(' ').unwrap();
        assert!(headings.iter().any(|(heading, steps)| *heading == name && steps.contains(&step)), "{name} {step}");
    }
}

/// `  pipes: start-first types …`
fn heading(line: &str) -> (&str, Vec<&str>) {
    let (name, steps) = line.trim().split_once(':').unwrap();
    (name, steps.split_whitespace().collect())
}
