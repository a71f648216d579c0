//! Where bytes go: a FIFO, a file, stdout. All of them, or an error.
//!
//! Man: write(2), poll(2).

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::mem;
use std::os::fd::{AsFd, OwnedFd};

use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::poll::PollFlags;
use shared::harness::duration::FOR_EVER;
use shared::linux::readiness::{Ready, nonblocking};
use shared::linux::stdio;

use crate::patience::Patience;

pub struct Outlet {
    file: File,
    name: String,
    patience: Patience,
    is_stdout: bool,
}

impl Outlet {
    /// A reader that takes nothing is waited for as long as it takes.
    pub fn new(file: impl Into<OwnedFd>, name: &str) -> Outlet {
        Outlet::patient(file.into().into(), name, Patience::of(FOR_EVER))
    }

    /// `file` does not block, and a reader that takes nothing is waited for with `patience`.
    pub fn patient(file: File, name: &str, patience: Patience) -> Outlet {
        Outlet { file, name: name.to_owned(), patience, is_stdout: false }
    }

    pub fn stdout() -> anyhow::Result<Outlet> {
        let stdout = io::stdout().as_fd().try_clone_to_owned().context("dup stdout")?;
        Ok(Outlet { is_stdout: true, ..Outlet::new(stdout, "stdout") })
    }

    #[inline]
    pub fn write_all(&self, mut bytes: &[u8]) -> anyhow::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes)? {
                Ready::Done(0) => bail!("write {}: takes no bytes", self.name),
                Ready::Done(count) => bytes = &bytes[count..],
                Ready::NotYet => self.wait_for_room()?,
            }
        }
        Ok(())
    }

    /// One write(2).
    #[inline]
    pub fn write(&self, bytes: &[u8]) -> anyhow::Result<Ready<usize>> {
        let attempt = || {
            let count = (&self.file).write(bytes)?;
            if self.is_stdout {
                stdio::wrote(&bytes[..count]);
            }
            Ok(count)
        };
        nonblocking("write", &self.file, attempt).with_context(|| format!("write {}", self.name))
    }

    /// Takes away what a regular file holds; no other file keeps anything.
    pub fn cut(&self) -> anyhow::Result<()> {
        let cut = self.file.metadata().and_then(|file| if file.is_file() { self.file.set_len(0) } else { Ok(()) });
        cut.with_context(|| format!("truncate {}", self.name))
    }

    /// Does `work` under flock(2) of the open file, waited for with the same patience. Whoever opened the file elsewhere
    /// is kept out.
    pub fn locked<T>(&self, how: FlockArg, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let file = self.file.try_clone().context("dup")?;
        let at_once = match how {
            FlockArg::LockShared => FlockArg::LockSharedNonblock,
            _ => FlockArg::LockExclusiveNonblock,
        };
        let locked = match lock(file, at_once) {
            Err((file, Errno::EWOULDBLOCK)) => {
                self.patience.within(format_args!("the lock of {}", self.name), move || lock(file, how))?
            }
            locked => locked,
        };
        let locked = locked.map_err(|(_, errno)| errno).with_context(|| format!("lock {}", self.name))?;
        let result = work();
        unlock(locked).with_context(|| format!("unlock {}", self.name))?;
        result
    }

    /// Some file systems tell only now that they could not keep what was written.
    pub fn close(self) -> anyhow::Result<()> {
        nix::unistd::close(self.file).with_context(|| format!("close {}", self.name))
    }

    /// Writes up to PIPE_BUF bytes, which the kernel keeps whole, while nobody writes more: under a shared lock. Nobody
    /// holds that one asleep, or who wants the exclusive one might wait for ever. The file must not block.
    pub fn write_together(&self, bytes: &[u8]) -> anyhow::Result<()> {
        loop {
            // All or EAGAIN.
            match self.locked(FlockArg::LockShared, || self.write(bytes))? {
                Ready::Done(_) => return Ok(()),
                Ready::NotYet => self.wait_for_room()?,
            }
        }
    }

    /// Waits until a write may do more than answer `EAGAIN`.
    #[cold]
    pub fn wait_for_room(&self) -> anyhow::Result<()> {
        let what = format_args!("room in {}, whose reader reads nothing", self.name);
        self.patience.wait(&self.file, PollFlags::POLLOUT, what)
    }
}

fn lock(mut file: File, how: FlockArg) -> Result<Flock<File>, (File, Errno)> {
    loop {
        match Flock::lock(file, how) {
            Err((unlocked, Errno::EINTR)) => file = unlocked,
            result => return result,
        }
    }
}

/// A [`Flock`] that is only dropped panics where it cannot be unlocked.
fn unlock(mut locked: Flock<File>) -> nix::Result<()> {
    loop {
        match locked.unlock() {
            Ok(_) => return Ok(()),
            Err((still, Errno::EINTR)) => locked = still,
            Err((still, errno)) => {
                mem::forget(still);
                return Err(errno);
            }
        }
    }
}

/// Whether `error` is EPIPE.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
