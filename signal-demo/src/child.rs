//! A child that cannot outlive this program: it is forked, waited for, and killed and reaped at the latest
//! when its owner drops it.
//!
//! Who forks has no threads, so that the child may do what any program may.
//!
//! Note: 进程的衍生. Go: `os.StartProcess`, `os.Process.Wait`. Man: fork(2), waitid(2), PR_SET_PDEATHSIG in prctl(2).

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::process;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use libc::{c_int, pid_t};
use nix::sys::prctl;
use nix::unistd::{self, ForkResult};
use shared::linux::failure::Failure;
use shared::linux::readiness;
use shared::linux::stdio;

use crate::narration::tell;
use crate::signal::action::Action;
use crate::signal::set::Set;
use crate::signal::{self, Signal, send};

/// No experiment leaves its parent waiting for longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// With which a child exits whose work failed, and that has said why: nothing was seen then.
pub const BROKEN: c_int = 125;

#[derive(Debug)]
pub struct Child {
    pid: pid_t,
    reaped: bool,
}

/// What happened to a child, as waitid(2) tells. Signals are numbers: any can have killed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Exited(c_int),
    Killed { signal: c_int, core: bool },
    Stopped(c_int),
    Trapped(c_int),
    Continued,
}

impl Child {
    /// fork(2): the child does `work` and exits, with 0 if that went well. No signal is blocked in it.
    ///
    /// This process takes SIGCHLD from now on only where it waits for a child.
    pub fn fork(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Child> {
        // Were it ignored, as our parent may have left it, the kernel would throw away how children end.
        Action::Default.set(Signal::CHLD).context("reset SIGCHLD")?;
        Set::from(Signal::CHLD).block().context("block SIGCHLD")?;
        let (mut ready, ready_in_child) = io::pipe().context("pipe")?;
        let pid = fork(|| {
            close_copy(&ready)?;
            end_with_parent()?;
            match (&ready_in_child).write_all(b"!") {
                // Nobody is left who could read it: the parent had ended before this child could know.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                written => written.map_err(Into::into).and_then(|()| work()),
            }
        })?;
        let child = Child { pid, reaped: false };
        drop(ready_in_child);
        // Stopped before it had seen to its end, it would stop for ever. Nothing to read: it has ended already.
        readiness::restart(|| ready.read(&mut [0])).with_context(|| format!("wait for child {pid} to begin"))?;
        Ok(child)
    }

    pub fn pid(&self) -> pid_t {
        self.pid
    }

    /// It is not reaped, so its PID is still its own.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        tell(format_args!("kill({}, {signal})", self.pid));
        send::kill(self.pid, signal).with_context(|| format!("send {signal} to child {}", self.pid))
    }

    /// Waits for one of `changes` (`WEXITED`, `WSTOPPED`, `WCONTINUED`).
    pub fn wait(&mut self, changes: c_int) -> anyhow::Result<Event> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.look(changes)? {
                tell(format_args!("waitid({}) = {event}", self.pid));
                return Ok(event);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::Deadline(format!("wait for child {}: nothing happened to it", self.pid)).into());
            }
            Set::from(Signal::CHLD).take(left).context("wait for SIGCHLD")?;
        }
    }

    /// What happened to it already, if anything.
    pub fn look(&mut self, changes: c_int) -> anyhow::Result<Option<Event>> {
        let event =
            waitid(self.pid, changes | libc::WNOHANG).with_context(|| format!("wait for child {}", self.pid))?;
        let ended = matches!(event, Some(Event::Exited(_) | Event::Killed { .. }));
        self.reaped = ended && changes & libc::WNOWAIT == 0;
        ensure!(event != Some(Event::Exited(BROKEN)), "child {} could not do its part", self.pid);
        Ok(event)
    }

    /// Waits for its end, which must have been a good one.
    pub fn succeed(mut self) -> anyhow::Result<()> {
        match self.wait(libc::WEXITED)? {
            Event::Exited(0) => Ok(()),
            event => anyhow::bail!("child {}: {event}", self.pid),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            let ended = send::kill(self.pid, Signal::KILL).and_then(|()| waitid(self.pid, libc::WEXITED));
            if let Err(error) = ended {
                stdio::narrate(format_args!("end child {}: {error}", self.pid));
            }
        }
    }
}

/// fork(2), and nobody sees to it that the child ends and is waited for.
pub fn fork(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<pid_t> {
    // SAFETY: there is only one thread, so the child may do what it likes.
    #[allow(unsafe_code, reason = "fork(2) is unsafe in a program with threads")]
    match unsafe { unistd::fork() }.map_err(io::Error::from).context("fork")? {
        ForkResult::Parent { child } => {
            tell(format_args!("fork() = {child}"));
            Ok(child.as_raw())
        }
        ForkResult::Child => exit(&work()),
    }
}

/// In a child: does nothing more, until a signal ends it.
pub fn pause() -> anyhow::Result<()> {
    loop {
        unistd::pause();
    }
}

/// In a child: closes its copy of what the parent keeps, so that the other end can tell when the parent has gone.
pub fn close_copy(fd: &impl AsRawFd) -> io::Result<()> {
    // SAFETY: a child ends without dropping what it was forked with, so nobody closes or uses it again.
    #[allow(unsafe_code, reason = "in the parent `fd` has an owner")]
    match unsafe { libc::close(fd.as_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Makes this new child end with its parent, which may be in another PID namespace.
fn end_with_parent() -> anyhow::Result<()> {
    prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).map_err(io::Error::from).context("PR_SET_PDEATHSIG")?;
    Set::EMPTY.become_mask().context("unblock all signals")?;
    Ok(())
}

/// Ends a child without what an exit of the program would do, such as to flush what the parent has buffered.
fn exit(result: &anyhow::Result<()>) -> ! {
    if let Err(error) = result {
        stdio::complain(&anyhow::anyhow!("child {}: {error:#}", process::id()));
    }
    // SAFETY: it ends the process.
    #[allow(unsafe_code, reason = "std has no _exit")]
    unsafe {
        libc::_exit(if result.is_ok() { 0 } else { BROKEN })
    }
}

/// waitid(2); `None` when with `WNOHANG` there is nothing to tell.
///
/// Not nix's: it has no name for a real-time signal, reports EINVAL, and the child is gone.
pub fn waitid(pid: pid_t, options: c_int) -> io::Result<Option<Event>> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    readiness::restart(|| {
        // SAFETY: `info` has room for what it writes.
        #[allow(unsafe_code, reason = "nix's waitid fails on a child that a real-time signal killed")]
        match unsafe { libc::waitid(libc::P_PID, pid.cast_unsigned(), info.as_mut_ptr(), options) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    })?;
    // SAFETY: zeroed, then written by waitid(2), which leaves 0 where there is nothing to tell.
    #[allow(unsafe_code, reason = "siginfo_t is a union")]
    let (pid, code, status) = unsafe {
        let info = info.assume_init_ref();
        (info.si_pid(), info.si_code, info.si_status())
    };
    Ok((pid != 0).then_some(match code {
        libc::CLD_EXITED => Event::Exited(status),
        libc::CLD_STOPPED => Event::Stopped(status),
        libc::CLD_TRAPPED => Event::Trapped(status),
        libc::CLD_CONTINUED => Event::Continued,
        _ => Event::Killed { signal: status, core: code == libc::CLD_DUMPED },
    }))
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Exited(code) => write!(f, "exited with {code}"),
            Event::Killed { signal, core: false } => write!(f, "killed by {}", signal::name(*signal)),
            Event::Killed { signal, core: true } => write!(f, "killed by {}, core dumped", signal::name(*signal)),
            Event::Stopped(signal) => write!(f, "stopped by {}", signal::name(*signal)),
            Event::Trapped(signal) => write!(f, "trapped by {}", signal::name(*signal)),
            Event::Continued => f.write_str("continued"),
        }
    }
}
