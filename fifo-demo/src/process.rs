//! A child process that is always reaped, and never outlives whom it works for.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;
use shared::harness::report::{self, Failure};

pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    pub fn start(command: &mut Command, name: &str) -> anyhow::Result<Process> {
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        Ok(Process { child, name: name.to_owned() })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The read end of its stdout, once, if that is a pipe.
    pub fn stdout(&mut self) -> Option<OwnedFd> {
        self.child.stdout.take().map(OwnedFd::from)
    }

    /// Waits for its end, which must be a success.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let status = self.child.wait().with_context(|| format!("wait for {}", self.name))?;
        if status.signal() == Some(Signal::SIGINT as i32) {
            // Ctrl-C goes to all of a terminal's job, and to the child perhaps before us.
            return Err(Failure::Interrupted(Signal::SIGINT).into());
        }
        ensure!(status.success(), "{}: {status}", self.name);
        Ok(())
    }
}

impl Drop for Process {
    /// Neither call does anything to a child that was reaped.
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            report::narrate(format_args!("end {}: {error}", self.name));
        }
    }
}
