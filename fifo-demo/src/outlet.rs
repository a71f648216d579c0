//! Where bytes go: a FIFO, a file, stdout. All of them, or an error.
//!
//! Man: write(2), poll(2).

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::time::Duration;

use anyhow::{Context, bail};
use nix::poll::PollFlags;
use shared::linux::readiness::{Ready, nonblocking};

use crate::patience::Patience;

pub struct Outlet {
    file: File,
    name: String,
    patience: Patience,
}

impl Outlet {
    /// A reader that takes nothing is waited for as long as it takes.
    pub fn new(file: impl Into<OwnedFd>, name: &str) -> Outlet {
        Outlet { file: file.into().into(), name: name.to_owned(), patience: Patience::of(Duration::ZERO) }
    }

    /// `file` does not block, and a reader that takes nothing is waited for with `patience`.
    pub fn patient(file: File, name: &str, patience: Patience) -> Outlet {
        Outlet { file, name: name.to_owned(), patience }
    }

    #[inline]
    pub fn write_all(&self, mut bytes: &[u8]) -> anyhow::Result<()> {
        while !bytes.is_empty() {
            match nonblocking("write", &self.file, || (&self.file).write(bytes)) {
                Ok(Ready::Done(0)) => bail!("write {}: takes no bytes", self.name),
                Ok(Ready::Done(count)) => bytes = &bytes[count..],
                Ok(Ready::NotYet) => self.wait_for_room()?,
                Err(error) => return Err(error).with_context(|| format!("write {}", self.name)),
            }
        }
        Ok(())
    }

    /// Some file systems tell only now that they could not keep what was written.
    pub fn close(self) -> anyhow::Result<()> {
        nix::unistd::close(self.file).with_context(|| format!("close {}", self.name))
    }

    #[cold]
    fn wait_for_room(&self) -> anyhow::Result<()> {
        let what = format_args!("room in {}, whose reader reads nothing", self.name);
        self.patience.wait(&self.file, PollFlags::POLLOUT, what)
    }
}

/// Whether `error` is EPIPE.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
