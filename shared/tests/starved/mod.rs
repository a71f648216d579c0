//! A program that gets few descriptors or threads ends in time and says why: it neither hangs nor panics.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::path::Path;
use std::process::Command;

use crate::nobody;

#[path = "../harness/mod.rs"]
mod harness;

const PRLIMIT: &str = "/usr/bin/prlimit";

/// Three are too few to load a program.
const DESCRIPTORS: [&str; 6] = ["4", "5", "6", "8", "10", "12"];

/// Of the user, with the program's first.
const THREADS: [&str; 4] = ["1", "2", "3", "4"];

/// Tries each of `commands` with few descriptors, and as nobody with few threads: the superuser may have all.
pub fn every_command_ends_and_says_why(program: &str, commands: &[&[&str]]) {
    if !Path::new(PRLIMIT).exists() {
        return harness::say(format_args!("skipped: no {PRLIMIT}"));
    }
    let (copies, tool) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = nobody::command(program, copies.path());
    for command in commands {
        for limit in DESCRIPTORS {
            let mut limited = Command::new(PRLIMIT);
            ends(limited.arg(format!("--nofile={limit}")).arg(program).args(*command), tool.path());
        }
        for limit in THREADS {
            let Some((copy, mut limited)) = copy.as_ref().zip(nobody::command(PRLIMIT, tool.path())) else { break };
            ends(limited.arg(format!("--nproc={limit}")).arg(copy.get_program()).args(*command), tool.path());
        }
    }
}

fn ends(command: &mut Command, folder: &Path) {
    let output = harness::output(harness::quiet(command.env("TMPDIR", folder)));
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = harness::text(&output.stderr);
    assert!(!said.contains("panicked"), "{command:?}: {said}");
    match output.status.code() {
        Some(0) => (),
        Some(1 | 77) => assert_ne!(said, "", "{command:?}"),
        code => panic!("{command:?}: {code:?}: {said}"),
    }
}
