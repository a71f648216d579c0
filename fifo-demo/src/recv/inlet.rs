//! The read end of a pipe, without blocking: bytes, the end, or a wait with a limit.
//!
//! epoll is edge-triggered here, so [`Inlet::wait`] may be trusted only at the beginning and after a read
//! that answered EAGAIN or 0: then whatever comes next makes an event, and what was there before the pipe
//! was registered has made one too.
//!
//! Man: epoll(7), pipe(7).

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Instant;

use anyhow::Context;
use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use shared::linux::failure::Failure;
use shared::linux::readiness::{self, Ready, nonblocking};
use shared::linux::shutdown::Shutdown;

use crate::patience::Patience;

const PIPE: Token = Token(0);
const SHUTDOWN: Token = Token(1);
const STDOUT: Token = Token(2);

pub struct Inlet {
    pipe: File,
    name: String,
    poll: Poll,
    events: Events,
    /// Told once, and perhaps together with the pipe's event.
    stdout_gone: bool,
}

impl Inlet {
    /// Takes over `pipe`, which must not be shared: it ceases to block.
    pub fn new(pipe: impl Into<OwnedFd>, name: &str) -> anyhow::Result<Inlet> {
        let pipe = File::from(pipe.into());
        set_nonblocking(&pipe).with_context(|| format!("fcntl {name}"))?;
        let poll = Poll::new().context("epoll_create")?;
        poll.registry()
            .register(&mut SourceFd(&pipe.as_raw_fd()), PIPE, Interest::READABLE)
            .with_context(|| format!("epoll_ctl {name}"))?;
        Ok(Inlet { pipe, name: name.to_owned(), poll, events: Events::with_capacity(4), stdout_gone: false })
    }

    /// A shutdown, too, ends a wait.
    pub fn heed(&self, shutdown: &Shutdown) -> anyhow::Result<()> {
        let waker = Waker::new(self.poll.registry(), SHUTDOWN).context("eventfd")?;
        shutdown.wake(waker).context("write eventfd")
    }

    /// So does the reader of stdout when it goes away: a writer may be silent for long after that.
    pub fn heed_stdout(&self) -> anyhow::Result<()> {
        // Of all that epoll may say of stdout only EPOLLERR is asked for, which is always told.
        match self.poll.registry().register(&mut SourceFd(&io::stdout().as_raw_fd()), STDOUT, Interest::PRIORITY) {
            // EPERM: a regular file, which nobody reads at the same time.
            Err(error) if error.kind() != ErrorKind::PermissionDenied => Err(error).context("epoll_ctl stdout"),
            _ => Ok(()),
        }
    }

    /// How many bytes the pipe holds before writers wait.
    pub fn capacity(&self) -> anyhow::Result<usize> {
        let bytes = fcntl(&self.pipe, FcntlArg::F_GETPIPE_SZ).map_err(io::Error::from);
        Ok(usize::try_from(bytes.with_context(|| format!("fcntl {}", self.name))?)?)
    }

    /// read(2): `Done(0)` while nobody has the other end open.
    #[inline]
    pub fn read(&self, buffer: &mut [u8]) -> anyhow::Result<Ready<usize>> {
        nonblocking("read", &self.pipe, || (&self.pipe).read(buffer)).with_context(|| format!("read {}", self.name))
    }

    /// Waits for something to read or the end, and says whether it has come; if not, a shutdown has.
    pub fn wait(&mut self, patience: &Patience) -> anyhow::Result<bool> {
        let deadline = patience.deadline();
        loop {
            if self.stdout_gone {
                return Err(Failure::ReaderGone.into());
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            readiness::wait(&mut self.poll, &mut self.events, left).context("epoll_wait")?;
            self.stdout_gone |= self.events.iter().any(|event| event.token() == STDOUT && event.is_write_closed());
            let mut tokens = self.events.iter().map(Event::token);
            if tokens.clone().any(|token| token == PIPE) {
                return Ok(true);
            }
            if tokens.any(|token| token == SHUTDOWN) {
                return Ok(false);
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Err(patience.passed(format_args!("bytes from a writer of {}", self.name)).into());
            }
        }
    }
}

/// Of a descriptor that nobody shares: the flag is the open file's, and others would trip over it.
pub fn set_nonblocking(file: &impl AsFd) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL)?);
    fcntl(file, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}
