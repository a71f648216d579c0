//! Sends a signal to a process that cannot have gone: this one, or a child that has not been reaped.
//!
//! For any other process there is `signal-demo send`.
//!
//! Go: `os.Process.Signal`. Man: kill(2), sigqueue(3).

use std::io;

use anyhow::Context;
use libc::{c_int, pid_t};
use nix::errno::Errno;
use nix::unistd;
use shared::linux::pidfd::sigval;

use crate::signal::Signal;

/// kill(2) to this process. The signal has acted, or is pending, when this returns.
pub fn to_self(signal: Signal) -> anyhow::Result<()> {
    kill(unistd::getpid().as_raw(), signal).with_context(|| format!("send {signal} to this process"))
}

/// kill(2).
pub fn kill(pid: pid_t, signal: Signal) -> io::Result<()> {
    // SAFETY: it takes numbers only.
    #[allow(unsafe_code, reason = "nix's kill has no real-time signals")]
    Ok(Errno::result(unsafe { libc::kill(pid, signal.number()) }).map(drop)?)
}

/// sigqueue(3): kill(2) with a value.
pub fn queue(pid: pid_t, signal: Signal, value: c_int) -> io::Result<()> {
    // SAFETY: it takes numbers only; the value is passed on, never followed.
    #[allow(unsafe_code, reason = "nix has no sigqueue")]
    Ok(Errno::result(unsafe { libc::sigqueue(pid, signal.number(), sigval(value)) }).map(drop)?)
}

/// raise(3): to this thread, not to the process.
pub fn raise(signal: Signal) -> io::Result<()> {
    // SAFETY: it takes a number only.
    #[allow(unsafe_code, reason = "nix's raise has no real-time signals")]
    Ok(Errno::result(unsafe { libc::raise(signal.number()) }).map(drop)?)
}
