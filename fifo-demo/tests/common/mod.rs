//! A folder with a FIFO, programs around it, and a watchdog over all.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

pub type Result = std::result::Result<(), Box<dyn std::error::Error>>;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_fifo-demo");

/// Each test works in one. Ends the tests when it is not dropped in time.
pub struct Bench {
    pub folder: TempDir,
    _done: mpsc::Sender<()>,
}

impl Bench {
    pub fn new() -> Bench {
        let (done, watched) = mpsc::channel();
        let name = thread::current().name().unwrap_or("?").to_owned();
        thread::spawn(move || {
            if watched.recv_timeout(Duration::from_secs(120)) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{name} hangs");
                std::process::abort();
            }
        });
        Bench { folder: TempDir::new().unwrap(), _done: done }
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
        let mut command = Command::new(program);
        command.args(args).current_dir(self.folder.path()).env("TMPDIR", self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
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

pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}
