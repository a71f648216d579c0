//! A folder with a FIFO, and programs around it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::PathBuf;
use std::process::{Child, Command, Output};

use nix::sys::signal::{Signal, kill};
use tempfile::TempDir;

#[path = "../../../shared/tests/harness/mod.rs"]
pub mod harness;

pub use harness::Result;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_fifo-demo");

/// Each test works in one.
pub struct Bench {
    pub folder: TempDir,
    _watched: harness::Watchdog,
}

impl Bench {
    pub fn new() -> Bench {
        Bench { folder: TempDir::new().unwrap(), _watched: harness::Watchdog::over_test() }
    }

    /// With a FIFO named `p`.
    pub fn with_fifo() -> Bench {
        let bench = Bench::new();
        assert_eq!(code(&bench.program(&["make", "p"])), Some(0));
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command in the folder, whose temporary files go there too.
    pub fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = harness::command(program, args);
        command.current_dir(self.folder.path()).env("TMPDIR", self.folder.path());
        command
    }

    pub fn start(&self, args: &[&str]) -> Child {
        self.command(PROGRAM, args).spawn().unwrap()
    }

    pub fn program(&self, args: &[&str]) -> Output {
        self.command(PROGRAM, args).output().unwrap()
    }

    pub fn shell_start(&self, line: &str) -> Child {
        self.command("sh", &["-c", line]).env("PROGRAM", PROGRAM).spawn().unwrap()
    }

    pub fn shell(&self, line: &str) -> Output {
        self.shell_start(line).wait_with_output().unwrap()
    }
}

pub fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

/// stderr without the line of `recv` that says since when it waits.
pub fn errors(output: &Output) -> String {
    let is_error = |line: &&str| !line.starts_with("waiting fifo ");
    harness::text(&output.stderr).split_inclusive('\n').filter(is_error).collect()
}

pub fn text(output: &Output) -> String {
    harness::text(&output.stdout)
}

pub fn signal(child: &Child, signal: Signal) {
    kill(harness::pid(child), signal).unwrap();
}

/// Every byte, in no period that a buffer has, and more than any buffer holds.
pub fn all_bytes() -> Vec<u8> {
    (0..3_000_001u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}
