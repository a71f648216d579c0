//! Runs the built program under a watchdog, and looks for what it left behind.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Once;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const WATCHDOG: Duration = Duration::from_secs(60);

/// The program. What it leaves behind when it ends becomes a child of this process.
pub fn pipe_demo(args: &[&str]) -> Command {
    static SUBREAPER: Once = Once::new();
    SUBREAPER.call_once(|| set_child_subreaper(true).expect("prctl PR_SET_CHILD_SUBREAPER"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipe-demo"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end, and checks that no child of its is left.
pub fn output(command: &mut Command) -> Result<Output> {
    end_of(command.spawn()?)
}

/// Waits for the program, and kills it when it hangs.
pub fn end_of(child: Child) -> Result<Output> {
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let (give, take) = mpsc::channel();
    thread::spawn(move || give.send(child.wait_with_output()));
    let Ok(output) = take.recv_timeout(WATCHDOG) else {
        kill(pid, Signal::SIGKILL)?;
        return Err("the program hangs".into());
    };
    assert_eq!(left_behind(), [""; 0]);
    Ok(output?)
}

pub fn run(args: &[&str]) -> Result<Output> {
    output(&mut pipe_demo(args))
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Reads `expected` from the program's stdout, which it prints when it is as far as the test wants it.
pub fn wait_for(child: &mut Child, expected: &str) -> Result {
    let mut seen = vec![0; expected.len()];
    let mut stdout = child.stdout.take().ok_or("no stdout")?;
    let (give, take) = mpsc::channel();
    thread::spawn(move || {
        let result = stdout.read_exact(&mut seen);
        give.send((result, seen, stdout))
    });
    let (result, seen, stdout) = take.recv_timeout(WATCHDOG)?;
    child.stdout = Some(stdout);
    result?;
    assert_eq!(String::from_utf8_lossy(&seen), expected);
    Ok(())
}

pub fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// Names of our children that are not the program: it started them, and did not reap them.
fn left_behind() -> Vec<String> {
    let me = std::process::id().to_string();
    let stats = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    // PID (NAME) STATE PPID
    let names = stats.filter_map(|stat| {
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        (rest.split_whitespace().nth(1) == Some(me.as_str())).then(|| name.to_owned())
    });
    names.filter(|name| name != "pipe-demo").collect()
}
