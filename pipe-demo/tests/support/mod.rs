//! The built program, and a look for what it left behind.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use nix::sys::prctl::set_child_subreaper;

#[path = "../../../shared/tests/harness/mod.rs"]
pub mod harness;

pub use harness::Result;

/// The program. What it leaves behind when it ends becomes a child of this process.
pub fn pipe_demo(args: &[&str]) -> Command {
    program(env!("CARGO_BIN_EXE_pipe-demo"), args)
}

/// The other program of the package, in the same way.
pub fn sync_demo(args: &[&str]) -> Command {
    program(env!("CARGO_BIN_EXE_sync-demo"), args)
}

fn program(path: &str, args: &[&str]) -> Command {
    static SUBREAPER: Once = Once::new();
    SUBREAPER.call_once(|| set_child_subreaper(true).expect("prctl PR_SET_CHILD_SUBREAPER"));
    harness::command(path, args)
}

/// The processes that the tests have started. Locked while another is.
static STARTED: Mutex<Vec<u32>> = Mutex::new(Vec::new());

fn started() -> MutexGuard<'static, Vec<u32>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the program, or whatever else a test starts: another test would take it for left behind.
pub fn spawn(command: &mut Command) -> Result<Child> {
    let mut started = started();
    let child = command.spawn()?;
    started.push(child.id());
    Ok(child)
}

/// Runs the program to its end, and checks that no child of its is left.
pub fn output(command: &mut Command) -> Result<Output> {
    end_of(spawn(command)?)
}

/// Waits for the program.
pub fn end_of(child: Child) -> Result<Output> {
    let output = harness::end_of(child)?;
    assert_eq!(left_behind(), [""; 0]);
    Ok(output)
}

pub fn run(args: &[&str]) -> Result<Output> {
    output(&mut pipe_demo(args))
}

pub fn stdout(output: &Output) -> String {
    harness::text(&output.stdout)
}

pub fn stderr(output: &Output) -> String {
    harness::text(&output.stderr)
}

/// Reads `expected` from the program's stdout, which it prints when it is as far as the test wants it.
pub fn wait_for(child: &mut Child, expected: &str) -> Result {
    let _watched = harness::Watchdog::over(child);
    let mut seen = vec![0; expected.len()];
    child.stdout.as_mut().ok_or("no stdout")?.read_exact(&mut seen)?;
    assert_eq!(harness::text(&seen), expected);
    Ok(())
}

pub fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// Our children that no test has started: the program did, and did not reap them.
fn left_behind() -> Vec<String> {
    let started = started();
    let me = std::process::id().to_string();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    let strangers = stats.filter(|stat| {
        // PID (NAME) STATE PPID
        let pid = stat.split_once(' ').and_then(|(pid, _)| pid.parse().ok()).unwrap_or_default();
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        parent == Some(&me) && !started.contains(&pid)
    });
    strangers.collect()
}
