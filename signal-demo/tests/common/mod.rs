//! The built program, what it prints, and `wait` as a process that waits.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::io::{BufRead, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output};

use serde_json::Value;

#[path = "../../../shared/tests/harness/mod.rs"]
pub mod harness;

use super::PROGRAM;
pub use harness::text;

/// Runs `command` to its end, in a process group of its own.
pub fn finish(command: &mut Command) -> Output {
    finish_spawned(spawn(command))
}

pub fn finish_spawned(child: Child) -> Output {
    harness::end_of(child).unwrap()
}

/// Runs commands, each as the first process of a container; says aloud why where there can be none.
pub fn in_containers() -> Option<impl Fn(&[&str]) -> Output> {
    let unshare = harness::find_tool("unshare")?;
    let run = move |arguments: &[&str]| {
        let container = ["--user", "--map-root-user", "-fp", "--mount-proc", "--kill-child"];
        finish(Command::new(&unshare).args(container).args(arguments))
    };
    let tried = run(&["true"]);
    if tried.status.success() {
        return Some(run);
    }
    harness::say(format_args!("skipped: {}", text(&tried.stderr)));
    None
}

pub fn spawn(command: &mut Command) -> Child {
    harness::quiet(command).process_group(0).spawn().unwrap()
}

pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    command
}

/// The program under another name, doing nothing for a while: what busybox has would not run under it.
pub fn waiting(path: &Path) -> Command {
    let mut command = Command::new(path);
    command.args(["wait", "WINCH", "--timeout", "60"]);
    harness::quiet(&mut command);
    command
}

pub fn run(arguments: &[&str]) -> Output {
    finish(&mut program(arguments))
}

/// What the program prints when all goes well.
pub fn stdout(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()), "{arguments:?}");
    text(&output.stdout)
}

pub fn records(arguments: &[&str]) -> Vec<Value> {
    stdout(&[arguments, &["--json"]].concat()).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The exit code and the one line of the error.
pub fn failure(arguments: &[&str]) -> (i32, String) {
    let output = run(arguments);
    let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap());
    (code, text(&output.stderr).trim_end().to_owned())
}

/// What is on stderr, but for the word of `list` that here it cannot see core files, and for what cannot be shown here.
pub fn errors(output: &Output) -> String {
    let is_error = |line: &&str| !line.starts_with("core or term: ") && !line.contains(": cannot be shown here: ");
    text(&output.stderr).split_inclusive('\n').filter(is_error).collect()
}

/// `signal-demo wait` or `ended`, from when it says that it waits.
pub struct Waiting {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Waiting {
    pub fn start(arguments: &[&str]) -> Waiting {
        Waiting::start_command(&mut program(&[&["wait", "--timeout", "50s"], arguments].concat()))
    }

    pub fn start_command(command: &mut Command) -> Waiting {
        let mut child = spawn(command);
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        assert!(line.starts_with("waiting pid"), "{line}");
        Waiting { child, stderr }
    }

    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// Nobody reads any more what it prints.
    pub fn hang_up(&mut self) {
        drop(self.child.stdout.take());
    }

    pub fn finish(mut self) -> Output {
        let _watched = harness::Watchdog::over(&self.child);
        let mut rest = Vec::new();
        std::io::copy(&mut self.stderr, &mut rest).unwrap();
        let mut output = finish_spawned(self.child);
        output.stderr = rest;
        output
    }

    /// Ended by a signal.
    pub fn end(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
