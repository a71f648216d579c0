//! Descriptors that travel from one program to the next: by their number, or as systemd hands over a listener, which is
//! descriptor 3, with LISTEN_FDS and LISTEN_PID in the environment.
//!
//! Note: 进程的衍生 (exec), Socket的基本特征. Go: `os.NewFile`, `net.FileListener`. Man: sd_listen_fds(3), execve(2).

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{self, Command};

use anyhow::Context;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;
use nix::unistd::dup2_raw;
use socket2::{SockRef, Socket};

use crate::linux::child::cannot_start;
use crate::linux::failure::Failure;
use crate::linux::signals;

/// Where systemd's protocol begins to count.
const FIRST: RawFd = 3;

/// Descriptor `number` of those that this process was started with, and from now on closed by exec(2). To be called
/// before it opens any of its own.
pub fn started_with(number: RawFd) -> io::Result<BorrowedFd<'static>> {
    // SAFETY: where nothing is open, F_SETFD fails; what is open was before us, and nobody here closes it.
    #[allow(unsafe_code, reason = "a number on the command line is all that is known of an inherited descriptor")]
    unsafe {
        Errno::result(libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC))?;
        Ok(BorrowedFd::borrow_raw(number))
    }
}

/// The same; where there is none, the command line is wrong.
pub fn inherited(number: RawFd) -> Result<BorrowedFd<'static>, Failure> {
    started_with(number).map_err(|error| Failure::Usage(format!("descriptor {number}: {error}")))
}

/// The listening socket that this process was started with: descriptor `number`, or else the one that LISTEN_FDS tells
/// of. To be called before it opens any descriptor of its own.
pub fn listener(number: Option<RawFd>) -> anyhow::Result<Option<Socket>> {
    let Some(number) = number.map_or_else(from_systemd, |number| Ok(Some(number)))? else { return Ok(None) };
    match SockRef::from(&inherited(number)?).is_listener() {
        // SAFETY: it is open, and whoever started us left it to us alone.
        #[allow(unsafe_code, reason = "an inherited descriptor has no owner yet")]
        Ok(true) => Ok(Some(unsafe { Socket::from_raw_fd(number) })),
        _ => Err(Failure::Usage(format!("descriptor {number}: not a listening socket")).into()),
    }
}

fn from_systemd() -> anyhow::Result<Option<RawFd>> {
    let mut given = sd_notify::listen_fds().context("LISTEN_FDS")?;
    match given.len() {
        0 | 1 => Ok(given.next()),
        several => Err(Failure::Usage(format!("LISTEN_FDS={several}: --listen-fd N says which to serve")).into()),
    }
}

/// Becomes the command, which has `listener` as systemd would hand it over. Returns only why it could not.
pub fn exec_with_listener(words: &[OsString], listener: OwnedFd) -> anyhow::Error {
    let mut command = to_become(words);
    command.env("LISTEN_FDS", "1").env("LISTEN_PID", process::id().to_string()).env_remove("LISTEN_FDNAMES");
    // SAFETY: dup2(2) and fcntl(2) are async-signal-safe.
    #[allow(unsafe_code, reason = "what stands at descriptor 3 now must stay until everything else is done")]
    unsafe {
        command.pre_exec(move || put_first(&listener));
    }
    exec(&mut command)
}

/// Becomes the command, which has `stdin`. Returns only why it could not.
pub fn exec_with_stdin(words: &[OsString], stdin: OwnedFd) -> anyhow::Error {
    exec(to_become(words).stdin(stdin))
}

fn to_become(words: &[OsString]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// It has our PID, and its exit code is ours.
fn exec(command: &mut Command) -> anyhow::Error {
    let error = signals::hand_on(command).exec();
    cannot_start(command, error)
}

/// As descriptor 3, to stay open over exec(3).
fn put_first(listener: &OwnedFd) -> io::Result<()> {
    if listener.as_raw_fd() == FIRST {
        fcntl(listener, FcntlArg::F_SETFD(FdFlag::empty()))?;
    } else {
        // SAFETY: nothing of this program uses what stood there any more.
        #[allow(unsafe_code, reason = "the number is what the protocol says, whoever had it")]
        let first = unsafe { dup2_raw(listener, FIRST) }?;
        let _ = first.into_raw_fd();
    }
    Ok(())
}
