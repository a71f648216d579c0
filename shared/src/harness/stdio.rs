//! stdout and stderr as whoever started us left them: perhaps non-blocking, perhaps closed.
//!
//! Man: write(2), poll(2), F_GETFD in fcntl(2).

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context;
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::stat::{SFlag, fstat};
use nix::{libc, unistd};

use crate::linux::readiness::{as_if_blocking, await_event};

/// stdout or stderr without std's buffer. Others may share it and have made it non-blocking: then it is waited for,
/// and nothing is lost.
#[derive(Debug)]
pub(crate) struct Patient<F> {
    file: F,
    deadline: Option<Instant>,
}

impl<F: AsFd> Patient<F> {
    /// Waits for as long as it takes.
    pub(crate) fn new(file: F) -> Patient<F> {
        Patient { file, deadline: None }
    }

    /// Waits until then, also where the file blocks. A regular one has no reader to wait for.
    pub(crate) fn set_deadline(&mut self, deadline: Instant) {
        let is_regular = fstat(&self.file)
            .is_ok_and(|file| SFlag::from_bits_truncate(file.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG);
        self.deadline = Some(deadline).filter(|_| !is_regular);
    }
}

impl<F: AsFd> Write for Patient<F> {
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<usize> {
        if self.deadline.is_some() {
            await_event(&self.file, PollFlags::POLLOUT, self.deadline)?;
            // So much has room in a pipe when poll(2) says that it has room.
            bytes = &bytes[..bytes.len().min(libc::PIPE_BUF)];
        }
        as_if_blocking(&self.file, PollFlags::POLLOUT, self.deadline, || Ok(unistd::write(&self.file, bytes)?))
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
