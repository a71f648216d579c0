//! The one owner of children: none outlives what it was started for.
//!
//! - All children of an owner are one process group, which is ended whole: what they started ends with them.
//! - No child is reaped before its owner is done: until then neither its PID nor the group's can be a stranger's.
//! - A child dies with the thread that started it (PR_SET_PDEATHSIG), so also when this program is killed. Such a
//!   thread must not end before the child.
//! - A child gets the signal mask that this program was started with.
//!
//! Note: 进程的衍生, 管道. Go: `exec.CommandContext`. Man: fork(2), setpgid(2), waitid(2), PR_SET_PDEATHSIG in prctl(2).

pub mod answer;
pub mod event;
pub mod fork;
pub mod forked;
mod job;
pub mod teller;

use std::io;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use nix::libc;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid, setpgid};

use crate::linux::failure::Failure;
use crate::linux::signals;
use crate::linux::sleeper::check_proc;
use crate::linux::stdio::complain;
use event::wait_for_end;
use fork::die_with;
pub(super) use job::cannot_start;
use job::{Job, Started, Whose};

/// Time between the SIGTERM that asks commands to end and SIGKILL.
const GRACE: Duration = Duration::from_secs(1);

/// The owner of some children. Clones share them; the last one that is dropped ends them.
#[derive(Clone, Debug)]
pub struct Children(Arc<Mutex<Job>>);

/// A command that has been started.
#[derive(Debug)]
pub struct Child {
    /// Where its stdin was to be a pipe.
    pub stdin: Option<ChildStdin>,
    /// Where its stdout was to be a pipe.
    pub stdout: Option<ChildStdout>,
    /// Where its stderr was to be a pipe.
    pub stderr: Option<ChildStderr>,
    started: Arc<Started>,
}

/// This program again, whatever its file is called by now.
pub fn this_program() -> anyhow::Result<Command> {
    check_proc()?;
    Ok(Command::new("/proc/self/exe"))
}

impl Children {
    /// Owns children that are parts of this program.
    pub fn helpers() -> Children {
        Children::of(Whose::Ours)
    }

    /// Owns commands that the user wants to run.
    pub fn commands() -> Children {
        Children::of(Whose::Users)
    }

    fn of(whose: Whose) -> Children {
        Children(Arc::new(Mutex::new(Job::of(whose))))
    }

    /// Starts a command. 127 is the exit code when there is no such command, 126 when it cannot be run.
    pub fn spawn(&self, command: &mut Command) -> anyhow::Result<Child> {
        let mut job = self.lock();
        if job.over {
            return Err(Failure::AlreadySaid.into());
        }
        let mut child = job.prepare(command).spawn().map_err(|error| cannot_start(command, error))?;
        let started = job.own(Pid::from_raw(child.id().cast_signed()))?;
        Ok(Child { stdin: child.stdin.take(), stdout: child.stdout.take(), stderr: child.stderr.take(), started })
    }

    /// Forks a child that does `body` and exits with what it returns.
    ///
    /// The program must have one thread only: of several the child would have one, with the locks of the others held
    /// for ever.
    pub fn fork(&self, body: impl FnOnce() -> u8) -> anyhow::Result<Pid> {
        let mut job = self.lock();
        let (parent, group) = (getpid(), job.group.unwrap_or(Pid::from_raw(0)));
        let child = fork::fork(1, || begin(parent, group).map(|()| body()))?;
        // Both do it, as nobody knows who comes first; it fails only once the child has done it and more.
        let _ = setpgid(child, group);
        job.own(child).map(|_| child)
    }

    /// Ends all children and what they started, and reaps them. No more can be started.
    pub fn end(&self) {
        let (whose, started) = {
            let mut job = self.lock();
            job.over = true;
            (job.whose, job.started.clone())
        };
        if whose == Whose::Users {
            self.lock().signal(Signal::SIGTERM);
            self.lock().signal(Signal::SIGCONT);
            let deadline = Instant::now() + GRACE;
            for child in started {
                // Late, or not to be waited for: it is killed.
                let _ = child.pidfd.ends_by(deadline);
            }
        }
        self.lock().kill();
    }

    /// Kills those that still run, at once: for a second signal.
    pub fn kill(&self) {
        self.lock().kill();
    }

    /// To be called when the work with them is over, well or not. Commands that have been waited for are only reaped.
    pub fn finish(&self) {
        if self.lock().is_done() { self.lock().reap() } else { self.end() }
    }

    /// Fails where a signal has broken off the work with them, whose own error is then a consequence: known when they
    /// have been reaped.
    ///
    /// It has come to us, or has ended one of them although it was meant for all of us. A part of this program that
    /// SIGINT, SIGTERM or SIGHUP ended got it from whoever sends it to us, perhaps a moment later. A command that had
    /// the terminal, and that Ctrl-C ended, got it in our place.
    pub fn check(&self) -> Result<(), Failure> {
        signals::check()?;
        self.lock().broken_off.map_or(Ok(()), |signal| Err(Failure::Interrupted(signal)))
    }

    fn lock(&self) -> MutexGuard<'_, Job> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Child {
    /// Its PID.
    pub fn id(&self) -> i32 {
        self.started.pidfd.pid()
    }

    /// Waits until it has ended, or `deadline`.
    pub fn ends_by(&self, deadline: Instant) -> io::Result<bool> {
        self.started.pidfd.ends_by(deadline)
    }

    /// Waits until it has ended, with its stdin closed.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        let status = wait_for_end(self.id(), libc::WNOWAIT)?;
        self.started.waited_for.store(true, Ordering::SeqCst);
        Ok(status)
    }

    /// Waits for its end, which must be a success; `name` is for the error.
    pub fn succeed(mut self, name: &str) -> anyhow::Result<()> {
        let status = self.wait().with_context(|| format!("wait for {name}"))?;
        ensure!(status.success(), "{name}: {status}");
        Ok(())
    }
}

/// In a forked child: what it exits with, once it has said why it failed.
pub fn exit_code(result: anyhow::Result<()>) -> u8 {
    result.map_or_else(
        |error| {
            complain(&error);
            1
        },
        |()| 0,
    )
}

/// How a forked child ended.
pub fn end_of(child: Pid) -> anyhow::Result<ExitStatus> {
    wait_for_end(child.as_raw(), libc::WNOWAIT).with_context(|| format!("wait for {child}"))
}

/// Waits for a forked child, which says by its exit code whether it did what it should.
pub fn wait_for(child: Pid) -> anyhow::Result<()> {
    let status = end_of(child)?;
    if status.success() { Ok(()) } else { Err(anyhow!("child {child} failed: {status}")) }
}

/// In a new child: puts it in its group, and has it end with its parent.
fn begin(parent: Pid, group: Pid) -> anyhow::Result<()> {
    setpgid(Pid::from_raw(0), group).context("setpgid")?;
    die_with(parent).context("PR_SET_PDEATHSIG")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_several_threads_is_not_forked() {
        let refused = std::thread::spawn(|| Children::helpers().fork(|| 0)).join().unwrap();
        assert_eq!(refused.unwrap_err().to_string(), "fork in a program that has several threads");
    }
}
