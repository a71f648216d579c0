//! A process by a descriptor: it stays the same process, also when its PID is another's already.
//!
//! Man: pidfd_open(2), pidfd_send_signal(2), sigqueue(3).

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use libc::{c_int, c_long, pid_t, uid_t};
use nix::unistd;

use crate::signal::Signal;

#[derive(Debug)]
pub struct PidFd {
    fd: OwnedFd,
    pid: pid_t,
}

/// The beginning of `siginfo_t` as sigqueue(3) fills it; the rest is 0.
#[repr(C)]
struct Queued {
    signo: c_int,
    errno: c_int,
    code: c_int,
    sent: Sent,
    rest: [u8; 104],
}

/// Aligned as the kernel's, which holds a pointer.
#[repr(C)]
struct Sent {
    pid: pid_t,
    uid: uid_t,
    value: libc::sigval,
}

impl PidFd {
    pub fn open(pid: pid_t) -> io::Result<PidFd> {
        // SAFETY: it takes numbers, and gives a new descriptor, which nobody else has.
        #[allow(unsafe_code, reason = "libc has no pidfd_open")]
        let fd = unsafe {
            let fd = result(libc::syscall(libc::SYS_pidfd_open, pid, 0))?;
            OwnedFd::from_raw_fd(fd)
        };
        Ok(PidFd { fd, pid })
    }

    pub fn pid(&self) -> pid_t {
        self.pid
    }

    /// As kill(2), or with a value as sigqueue(3), but never to another process.
    pub fn send(&self, signal: Signal, value: Option<c_int>) -> io::Result<()> {
        let info = value.map(|value| queued(signal, value));
        let info = info.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: `info` is null or points to as many bytes as siginfo_t has.
        #[allow(unsafe_code, reason = "libc has no pidfd_send_signal")]
        let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.fd.as_raw_fd(), signal.number(), info, 0) };
        result(sent).map(drop)
    }
}

const _: () = assert!(size_of::<Queued>() >= size_of::<libc::siginfo_t>());

fn queued(signal: Signal, value: c_int) -> Queued {
    let (pid, uid) = (unistd::getpid().as_raw(), unistd::getuid().as_raw());
    let sent = Sent { pid, uid, value: super::send::sigval(value) };
    Queued { signo: signal.number(), errno: 0, code: libc::SI_QUEUE, sent, rest: [0; 104] }
}

fn result(returned: c_long) -> io::Result<c_int> {
    match returned {
        -1 => Err(io::Error::last_os_error()),
        value => Ok(value.try_into().unwrap_or(c_int::MAX)),
    }
}
