//! A process by a descriptor, which means the same process even when another has its PID; and the promise that
//! children can be waited for.
//!
//! Go: `os.Process`. Man: pidfd_open(2), pidfd_send_signal(2), sigqueue(3).

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::ptr;
use std::time::Instant;

use nix::errno::Errno;
use nix::libc::{self, c_int, pid_t, uid_t};
use nix::poll::PollFlags;
use nix::sys::signal::{SigHandler, Signal};
use nix::sys::utsname::uname;
use nix::unistd;

use crate::linux::failure::Failure;
use crate::linux::readiness::{await_event, is_timeout};
use crate::linux::signals;

/// A descriptor that means a process.
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
    /// pidfd_open(2).
    pub fn open(pid: pid_t) -> io::Result<PidFd> {
        // SAFETY: it takes numbers, and gives a new descriptor, which nobody else has.
        #[allow(unsafe_code, reason = "libc has no pidfd_open")]
        let fd = unsafe {
            let fd = Errno::result(libc::syscall(libc::SYS_pidfd_open, pid, 0))?;
            OwnedFd::from_raw_fd(fd.try_into().map_err(io::Error::other)?)
        };
        Ok(PidFd { fd, pid })
    }

    /// Its PID when the descriptor was opened.
    pub fn pid(&self) -> pid_t {
        self.pid
    }

    /// Sends a signal as kill(2) does, or with a value as sigqueue(3) does, but never to another process.
    pub fn send(&self, signal: c_int, value: Option<c_int>) -> io::Result<()> {
        let info = value.map(|value| queued(signal, value));
        let info = info.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: `info` is null or points to as many bytes as siginfo_t has.
        #[allow(unsafe_code, reason = "libc has no pidfd_send_signal")]
        let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.fd.as_raw_fd(), signal, info, 0) };
        Errno::result(sent)?;
        Ok(())
    }

    /// How the process ended, as the kernel tells it to whoever has the descriptor: since Linux 6.15, and once the parent
    /// has waited for it.
    pub fn exit_status(&self) -> io::Result<Option<ExitStatus>> {
        // SAFETY: it is made of numbers, of which 0 is one.
        #[allow(unsafe_code, reason = "libc's struct has private padding")]
        let mut info: libc::pidfd_info = unsafe { MaybeUninit::zeroed().assume_init() };
        info.mask = libc::PIDFD_INFO_EXIT.into();
        // SAFETY: the size of `info` is a part of the request.
        #[allow(unsafe_code, reason = "nix has no such ioctl")]
        let asked = unsafe { libc::ioctl(self.fd.as_raw_fd(), libc::PIDFD_GET_INFO, &raw mut info) };
        match Errno::result(asked) {
            Ok(_) => {
                Ok((info.mask & u64::from(libc::PIDFD_INFO_EXIT) != 0).then(|| ExitStatus::from_raw(info.exit_code)))
            }
            // An older kernel.
            Err(Errno::ENOTTY | Errno::EINVAL | Errno::ESRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until the process has ended, or `deadline`, if there is one. It is not reaped.
    pub fn ends_by(&self, deadline: impl Into<Option<Instant>>) -> io::Result<bool> {
        match await_event(self, PollFlags::POLLIN, deadline.into()) {
            Err(error) if is_timeout(&error) => Ok(false),
            ended => ended.map(|()| true),
        }
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Every program holds its children by descriptors: where the kernel has none, as before Linux 5.3 and in gVisor, nothing
/// can be shown.
pub fn check_kernel() -> anyhow::Result<()> {
    let error = match PidFd::open(std::process::id().cast_signed()) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => error,
        // Whoever needs one hears of other errors.
        _ => return Ok(()),
    };
    let release = uname().map(|name| name.release().to_string_lossy().into_owned())?;
    let needed = "Linux 5.10 or later is needed, and gVisor is not enough";
    Err(Failure::CannotShow(format!("pidfd_open: {error}: {needed} (this is {release})")).into())
}

/// Makes the kernel keep how children of this process end, until they are waited for.
///
/// A parent that ignored SIGCHLD meant its own children; we inherit that, and wait(2) would find none of ours.
pub fn keep_how_children_end() -> io::Result<()> {
    signals::set(Signal::SIGCHLD, SigHandler::SigDfl)
}

const _: () = assert!(size_of::<Queued>() >= size_of::<libc::siginfo_t>());

fn queued(signal: c_int, value: c_int) -> Queued {
    let (pid, uid) = (unistd::getpid().as_raw(), unistd::getuid().as_raw());
    Queued {
        signo: signal,
        errno: 0,
        code: libc::SI_QUEUE,
        sent: Sent { pid, uid, value: sigval(value) },
        rest: [0; 104],
    }
}

/// The int of a union whose other field is a pointer.
pub fn sigval(value: c_int) -> libc::sigval {
    let mut bytes = [0; size_of::<usize>()];
    bytes[..size_of::<c_int>()].copy_from_slice(&value.to_ne_bytes());
    libc::sigval { sival_ptr: ptr::without_provenance_mut(usize::from_ne_bytes(bytes)) }
}
