//! stdout and stderr as whoever started us left them: perhaps non-blocking, perhaps closed.
//!
//! Man: write(2), poll(2), F_GETFD in fcntl(2).

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::{libc, unistd};

use crate::linux::readiness::as_if_blocking;

/// stdout or stderr without std's buffer. Others may share it and have made it non-blocking: then it is waited for,
/// and nothing is lost.
#[derive(Debug)]
pub(crate) struct Patient<F>(pub(crate) F);

impl<F: AsFd> Write for Patient<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        as_if_blocking(&self.0, PollFlags::POLLOUT, || Ok(unistd::write(&self.0, bytes)?))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether stdout was closed (`>&-`) when the program started: before `main` std puts /dev/null in its place.
static STDOUT_WAS_CLOSED: AtomicBool = AtomicBool::new(false);

#[used]
// SAFETY: what stands in .init_array is called once, by the only thread, before std's own start.
#[allow(unsafe_code, reason = "only there can it still be seen")]
#[unsafe(link_section = ".init_array")]
static LOOK_AT_STDOUT: extern "C" fn() = look_at_stdout;

extern "C" fn look_at_stdout() {
    // SAFETY: F_GETFD takes any number.
    #[allow(unsafe_code, reason = "nix asks for a descriptor that is open")]
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    STDOUT_WAS_CLOSED.store(flags < 0, Ordering::Relaxed);
}

/// An error if stdout was closed from the start: for a command to ask before it takes what it could not hand on.
pub fn stdout_is_open() -> anyhow::Result<()> {
    if STDOUT_WAS_CLOSED.load(Ordering::Relaxed) {
        return Err(io::Error::from(Errno::EBADF)).context("write stdout");
    }
    Ok(())
}
