//! One forked child, followed from event to event: it is stopped, continued, traced and reaped as an experiment wants.
//!
//! It cannot outlive this program, and is killed and reaped at the latest when its owner drops it. It stays in the
//! process group of its parent, so that it may begin a session of its own.
//!
//! Note: 进程的衍生. Go: `os.StartProcess`, `os.Process.Wait`. Man: fork(2), waitid(2), PR_SET_PDEATHSIG in prctl(2).

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::libc::{self, c_int, pid_t};
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd;

use super::event::{Event, waitid};
use super::fork;
use crate::linux::failure::Failure;
use crate::linux::readiness::{await_readable, is_timeout, restart};
use crate::linux::stdio::{complain, detail};

/// No experiment leaves its parent waiting for longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// With which a child exits whose work failed, and that has said why: nothing was seen then.
const BROKEN: u8 = 125;

/// A child that has not been reaped, so that its PID is its own; afterwards only its PID is known.
#[derive(Debug)]
pub struct Forked {
    pid: pid_t,
    reaped: bool,
}

impl Forked {
    /// fork(2): the child does `work` and exits, with 0 if that went well. No signal is blocked in it.
    pub fn new(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Forked> {
        let (mut ready, ready_in_child) = io::pipe().context("pipe")?;
        let pid = fork(|| {
            close_copy(&ready)?;
            set_pdeathsig(Signal::SIGKILL).context("PR_SET_PDEATHSIG")?;
            SigSet::empty().thread_set_mask().context("unblock all signals")?;
            match (&ready_in_child).write_all(b"!") {
                // Nobody is left who could read it: the parent had ended before this child could know.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                written => written.map_err(Into::into).and_then(|()| work()),
            }
        })?;
        let child = Forked { pid, reaped: false };
        drop(ready_in_child);
        // Stopped before it had seen to its end, it would stop for ever. Nothing to read: it has ended already.
        restart(|| ready.read(&mut [0])).with_context(|| format!("wait for child {pid} to begin"))?;
        Ok(child)
    }

    /// Its PID.
    pub fn pid(&self) -> pid_t {
        self.pid
    }

    /// kill(2). It must not have been reaped.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        ensure!(!self.reaped, "child {} has been reaped", self.pid);
        detail(format_args!("kill({}, {signal})", self.pid));
        send(self.pid, signal).with_context(|| format!("send {signal} to child {}", self.pid))
    }

    /// Waits for one of `changes` (`WEXITED`, `WSTOPPED`, `WCONTINUED`).
    pub fn wait(&mut self, changes: c_int) -> anyhow::Result<Event> {
        let sigchld = SigSet::from(Signal::SIGCHLD);
        let before = sigchld.thread_swap_mask(SigmaskHow::SIG_BLOCK).context("block SIGCHLD")?;
        let event = self.await_sigchld(changes, &sigchld);
        before.thread_set_mask().context("unblock SIGCHLD")?;
        event
    }

    /// SIGCHLD, blocked, is kept from before the first look on: no change is missed.
    fn await_sigchld(&mut self, changes: c_int, sigchld: &SigSet) -> anyhow::Result<Event> {
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let announced = SignalFd::with_flags(sigchld, flags).context("signalfd")?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.look(changes)? {
                detail(format_args!("waitid({}) = {event}", self.pid));
                return Ok(event);
            }
            match await_readable(&announced, deadline) {
                Err(error) if is_timeout(&error) => {
                    let what = format!("wait for child {}: nothing happened to it", self.pid);
                    return Err(Failure::Deadline(what).into());
                }
                ready => ready.context("wait for SIGCHLD")?,
            }
            announced.read_signal().context("read the signalfd")?;
        }
    }

    /// What happened to it already, if anything.
    pub fn look(&mut self, changes: c_int) -> anyhow::Result<Option<Event>> {
        let event =
            waitid(self.pid, changes | libc::WNOHANG).with_context(|| format!("wait for child {}", self.pid))?;
        self.reaped = event.is_some_and(Event::is_end) && changes & libc::WNOWAIT == 0;
        ensure!(event != Some(Event::Exited(BROKEN.into())), "child {} could not do its part", self.pid);
        Ok(event)
    }

    /// Waits for its end, which must have been a good one.
    pub fn succeed(mut self) -> anyhow::Result<()> {
        match self.wait(libc::WEXITED)? {
            Event::Exited(0) => Ok(()),
            event => bail!("child {}: {event}", self.pid),
        }
    }
}

impl Drop for Forked {
    fn drop(&mut self) {
        if !self.reaped {
            let ended = send(self.pid, Signal::SIGKILL).and_then(|()| waitid(self.pid, libc::WEXITED));
            if let Err(error) = ended {
                complain(&anyhow::Error::new(error).context(format!("end child {}", self.pid)));
            }
        }
    }
}

/// fork(2), and nobody sees to it that the child ends and is waited for.
pub fn fork(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<pid_t> {
    let child = fork::fork(BROKEN, || work().map(|()| 0))?;
    detail(format_args!("fork() = {child}"));
    Ok(child.as_raw())
}

/// In a child: does nothing more, until a signal ends it.
pub fn pause() -> anyhow::Result<()> {
    loop {
        unistd::pause();
    }
}

/// In a child: closes its copy of what the parent keeps, so that the other end can tell when the parent has gone.
pub fn close_copy(fd: &impl AsRawFd) -> io::Result<()> {
    // A child ends without dropping what it was forked with, so nobody closes or uses it again.
    Ok(unistd::close(fd.as_raw_fd())?)
}

/// Whether this process adopts those below it that lose their parents (PR_SET_CHILD_SUBREAPER).
pub fn become_subreaper(yes: bool) -> anyhow::Result<()> {
    set_child_subreaper(yes).context("PR_SET_CHILD_SUBREAPER")
}

fn send(pid: pid_t, signal: Signal) -> io::Result<()> {
    Ok(nix::sys::signal::kill(unistd::Pid::from_raw(pid), signal)?)
}
