//! process-demo: what its experiments see, what it leaves behind, and what its claims, README and limits are.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod circumstances;
#[path = "../../../shared/tests/claims/mod.rs"]
mod claims;
#[path = "../common/cleanup.rs"]
mod cleanup;
#[path = "../common/mod.rs"]
mod common;
#[path = "../../../shared/tests/completions/mod.rs"]
mod completions;
mod experiments;
#[path = "../../../shared/tests/injected/mod.rs"]
mod injected;
mod limits;
#[path = "../../../shared/tests/nobody/mod.rs"]
mod nobody;
#[path = "../../../shared/tests/readme/mod.rs"]
mod readme;
#[path = "../../../shared/tests/records/mod.rs"]
mod records;
#[path = "../../../shared/tests/starved/mod.rs"]
mod starved;

const NAME: &str = "process-demo";
const PROGRAM: &str = env!("CARGO_BIN_EXE_process-demo");

/// Those that have children: all but the common ones.
const COMMANDS: &[&str] =
    &["demo", "fork", "orphan", "ids", "pids", "states", "memory", "syscalls", "switching", "claims 35"];

#[test]
fn the_table_matches_the_commands() -> std::io::Result<()> {
    readme::table_matches_the_commands(NAME, PROGRAM)
}

#[test]
fn the_sessions_are_real() -> std::io::Result<()> {
    readme::sessions_are_real(NAME)
}

#[test]
fn the_completions_have_the_values_and_nothing_hidden() -> std::io::Result<()> {
    let lines: [(&[&str], &[&str]); 1] = [(&["states", ""], &["D", "R", "S", "T", "X", "Z", "t"])];
    completions::complete(NAME, PROGRAM, &lines)
}
