//! How a child ended, as the shell counts it.
//!
//! Note: 管道. Go: `exec.ExitError`. Man: wait(2), bash(1) at pipefail.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use serde::Serialize;
use shared::linux::child::Child;
use shared::linux::failure::Failure;

use crate::pipeline::Stage;

/// How a command of a pipeline ended: with an exit code, or by a signal.
#[derive(Serialize)]
pub struct StageEnded {
    pub stage: usize,
    pub command: String,
    pub pid: i32,
    pub exit_code: Option<i32>,
    pub signal: Option<String>,
    #[serde(skip)]
    status: ExitStatus,
}

impl StageEnded {
    pub fn new(stage: usize, command: &Stage, child: &Child, status: ExitStatus) -> StageEnded {
        let name =
            |signal: i32| Signal::try_from(signal).map_or_else(|_| signal.to_string(), |signal| signal.to_string());
        let (exit_code, signal) = (status.code(), status.signal().map(name));
        StageEnded { stage, command: command.to_string(), pid: child.id(), exit_code, signal, status }
    }

    pub fn code(&self) -> u8 {
        code(self.status)
    }
}

impl fmt::Display for StageEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.command, self.status)
    }
}

/// 0 is done, everything else the exit code of this program too.
pub fn check(code: u8) -> anyhow::Result<()> {
    if code == 0 { Ok(()) } else { Err(Failure::Child(code).into()) }
}

/// The exit code, or 128+N of a child that signal N ended.
pub fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
