//! A pipe that somebody made non-blocking, and whose reader takes nothing before it is full.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::AsFd;
use std::process::{Child, Stdio};
use std::thread;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

#[path = "../harness/mod.rs"]
mod harness;

pub struct Clogged {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Clogged {
    pub fn new() -> io::Result<Clogged> {
        let (reader, writer) = io::pipe()?;
        for end in [reader.as_fd(), writer.as_fd()] {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(Clogged { reader, writer })
    }

    /// For a program's stdout or stderr: the same open file, and so not blocking either.
    pub fn end(&self) -> io::Result<Stdio> {
        Ok(self.writer.try_clone()?.into())
    }

    /// All that `child` writes until it ends.
    pub fn read_from(mut self, child: &mut Child) -> io::Result<Vec<u8>> {
        let _watched = harness::Watchdog::over(child);
        let mut all = Vec::new();
        while child.try_wait()?.is_none() {
            if self.is_full()? {
                all.extend(self.piece()?);
            } else {
                thread::yield_now();
            }
        }
        loop {
            match self.piece() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(all),
                piece => all.extend(piece?),
            }
        }
    }

    fn is_full(&self) -> io::Result<bool> {
        Ok(poll(&mut [PollFd::new(self.writer.as_fd(), PollFlags::POLLOUT)], PollTimeout::ZERO)? == 0)
    }

    fn piece(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; 16 << 10];
        let count = self.reader.read(&mut piece)?;
        piece.truncate(count);
        Ok(piece)
    }
}
