//! What happens to a child, as waitid(2) tells it.
//!
//! Note: 进程的状态. Go: `os.Process.Wait`. Man: waitid(2).

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::libc::{self, c_int, pid_t};
use nix::sys::signal::Signal;
use serde::{Serialize, Serializer};

use crate::linux::readiness::restart;

/// One change. Signals are numbers: any can have ended the child, also one that has no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It ended by itself, with this exit code.
    Exited(c_int),
    /// A signal ended it.
    Killed {
        /// Which.
        signal: c_int,
        /// Whether its memory was dumped.
        core: bool,
    },
    /// A signal stopped it.
    Stopped(c_int),
    /// It stopped for its tracer.
    Trapped(c_int),
    /// It goes on after SIGCONT.
    Continued,
}

impl Event {
    /// Whether the child has ended.
    pub fn is_end(self) -> bool {
        matches!(self, Event::Exited(_) | Event::Killed { .. })
    }

    /// It ended by `signal`, without a core.
    pub const fn killed_by(signal: c_int) -> Event {
        Event::Killed { signal, core: false }
    }
}

impl From<ExitStatus> for Event {
    fn from(status: ExitStatus) -> Event {
        match status.signal() {
            Some(signal) => Event::Killed { signal, core: status.core_dumped() },
            None => Event::Exited(status.code().unwrap_or_default()),
        }
    }
}

/// waitid(2) for the next of `changes` (`WEXITED`, `WSTOPPED`, `WCONTINUED`); `None` when with `WNOHANG` there was none.
///
/// Not nix's: that fails on a child that a real-time signal ended.
pub fn waitid(pid: pid_t, changes: c_int) -> io::Result<Option<Event>> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    restart(|| {
        // SAFETY: `info` has room for what it writes.
        #[allow(unsafe_code, reason = "nix's waitid has no name for a real-time signal")]
        match unsafe { libc::waitid(libc::P_PID, pid.cast_unsigned(), info.as_mut_ptr(), changes) } {
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

/// Waits until a child has ended; with `WNOWAIT` among the `options` it is not reaped.
pub(super) fn wait_for_end(pid: pid_t, options: c_int) -> io::Result<ExitStatus> {
    Ok(ExitStatus::from_raw(match waitid(pid, options | libc::WEXITED)? {
        Some(Event::Exited(code)) => code << 8,
        Some(Event::Killed { signal, core: true }) => signal | 0x80,
        Some(Event::Killed { signal, .. }) => signal,
        other => return Err(io::Error::other(format!("waitid: {other:?} is no end"))),
    }))
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Event::Exited(code) => write!(f, "exited with {code}"),
            Event::Killed { signal, core: false } => write!(f, "killed by {}", Name(signal)),
            Event::Killed { signal, core: true } => write!(f, "killed by {}, core dumped", Name(signal)),
            Event::Stopped(signal) => write!(f, "stopped by {}", Name(signal)),
            Event::Trapped(signal) => write!(f, "trapped by {}", Name(signal)),
            Event::Continued => f.write_str("continued"),
        }
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A signal by its name, where it has one.
struct Name(c_int);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Signal::try_from(self.0) {
            Ok(signal) => f.write_str(signal.as_str()),
            Err(_) => write!(f, "signal {}", self.0),
        }
    }
}
