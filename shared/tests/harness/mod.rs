//! The one way in which tests run a program: nothing on its stdin, all that it says kept, a watchdog over it.
//!
//! A test file includes this file, or a module beside it that does: pipe-demo/tests/support, tests/server.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::duplicate_mod, reason = "a test file and a module of its may both include this file")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// No test waits longer for a program: what has not ended by then hangs.
pub const WATCHDOG: Duration = Duration::from_secs(60);

/// What asks or measures everything takes longer, and has a `--timeout` of its own.
pub const LONG: Duration = Duration::from_secs(300);

/// The program, ready to be run.
pub fn command(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    quiet(&mut command);
    command
}

/// Nothing to read, and both outputs kept.
pub fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped())
}

/// Where cargo has put the programs: the tests stand in a folder of it.
pub fn programs() -> PathBuf {
    env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned()
}

/// A page's script in `folder`: it finds the programs, and has a free port in place of 8085.
pub fn script(text: &str, folder: &Path) -> io::Result<Command> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let path = format!("{}:{}", programs().display(), env::var("PATH").unwrap_or_default());
    let mut shell = command("sh", &["-c", &text.replace("8085", &port.to_string())]);
    shell.current_dir(folder).env("LC_ALL", "C.UTF-8").env("PATH", path);
    Ok(shell)
}

/// The lines of a help below a heading.
pub fn section<'a>(help: &'a str, heading: &str) -> impl Iterator<Item = &'a str> {
    help.lines().skip_while(move |line| *line != heading).skip(1).take_while(|line| !line.is_empty())
}

/// The commands that a help lists: what it says of one may go on below, further in.
pub fn commands(help: &str) -> impl Iterator<Item = &str> {
    let names = section(help, "Commands:").filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !["", "help"].contains(name))
}

/// Runs `command` to its end.
pub fn output(command: &mut Command) -> io::Result<Output> {
    end_of(command.spawn()?)
}

/// Runs to its end what may take longer than other programs.
pub fn long_output(command: &mut Command) -> io::Result<Output> {
    end_within(LONG, quiet(command).spawn()?)
}

/// All that `child` has said when it ends.
pub fn end_of(child: Child) -> io::Result<Output> {
    end_within(WATCHDOG, child)
}

pub fn end_within(patience: Duration, child: Child) -> io::Result<Output> {
    Watchdog::over_process(&child, patience).watch(|| child.wait_with_output())
}

/// Waits for the end of `child`, whose outputs somebody else reads.
pub fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    Watchdog::over(child).watch(|| child.wait())
}

/// Kills what hangs with all that it has started, so that whoever waits for any of it waits no longer.
pub struct Watchdog {
    done: mpsc::Sender<()>,
    barked: JoinHandle<bool>,
}

impl Watchdog {
    /// Over a test that waits in its own ways: kills what this process has started.
    pub fn over_test() -> Watchdog {
        let test = thread::current().name().unwrap_or("?").to_owned();
        Watchdog::new(2 * WATCHDOG, move || {
            say(format_args!("{test} hangs"));
            children(Pid::this()).into_iter().for_each(kill_all);
        })
    }

    /// Over a program.
    pub fn over(child: &Child) -> Watchdog {
        Watchdog::over_process(child, WATCHDOG)
    }

    fn over_process(child: &Child, patience: Duration) -> Watchdog {
        let pid = pid(child);
        Watchdog::new(patience, move || kill_all(pid))
    }

    fn new(patience: Duration, bark: impl FnOnce() + Send + 'static) -> Watchdog {
        let (done, watched) = mpsc::channel();
        let barked = thread::spawn(move || {
            let is_late = |patience| watched.recv_timeout(patience) == Err(RecvTimeoutError::Timeout);
            let late = is_late(patience);
            if late {
                bark();
                // What the family left behind before may keep its pipes open.
                if is_late(WATCHDOG) {
                    say(format_args!("hangs though it was killed"));
                    std::process::abort();
                }
            }
            late
        });
        Watchdog { done, barked }
    }

    fn watch<T>(self, wait: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let result = wait();
        drop(self.done);
        if self.barked.join().unwrap() { Err(io::Error::other("the program hangs")) } else { result }
    }
}

/// The family from its youngest members on: an orphan would be another's child.
fn kill_all(pid: Pid) {
    children(pid).into_iter().for_each(kill_all);
    let _ = kill(pid, Signal::SIGKILL);
}

fn children(pid: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap())).collect::<Vec<_>>())
        .collect()
}

pub fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Says aloud what a machine cannot show: past the harness of cargo, which keeps what `eprintln!` says.
pub fn say(what: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// The path of a tool that a test needs, or the reason to skip it, said aloud.
pub fn find_tool(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    let name = name.as_ref();
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        say(format_args!("skipped: {} is not on this machine", name.display()));
    }
    found
}
