//! The read end of a FIFO under an edge-triggered epoll: bytes, the end, or a wait that a signal, a deadline or the loss
//! of stdout's reader ends too.
//!
//! [`Inlet::wait`] may be trusted only at the beginning and after a read that answered EAGAIN or 0: then whatever comes
//! next makes an event, and what was there before the FIFO was registered has made one too.
//!
//! Man: epoll(7), pipe(7).

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::path::Path;

use anyhow::Context;
use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use nix::fcntl::{FcntlArg, fcntl};
use shared::linux::failure::Failure;
use shared::linux::readiness::{Ready, await_events, nonblocking};
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
    /// Takes over `pipe`, which does not block.
    pub fn new(pipe: File, path: &Path) -> anyhow::Result<Inlet> {
        let name = path.display().to_string();
        let poll = Poll::new().context("epoll_create")?;
        poll.registry()
            .register(&mut SourceFd(&pipe.as_raw_fd()), PIPE, Interest::READABLE)
            .with_context(|| format!("epoll_ctl {name}"))?;
        Ok(Inlet { pipe, name, poll, events: Events::with_capacity(4), stdout_gone: false })
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
        let bytes = fcntl(&self.pipe, FcntlArg::F_GETPIPE_SZ).with_context(|| format!("fcntl {}", self.name))?;
        Ok(bytes.try_into()?)
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
            if !await_events(&mut self.poll, &mut self.events, Some(deadline)).context("epoll_wait")? {
                return Err(patience.passed(format_args!("bytes from a writer of {}", self.name)).into());
            }
            self.stdout_gone |= self.events.iter().any(|event| event.token() == STDOUT && event.is_write_closed());
            let mut tokens = self.events.iter().map(Event::token);
            if tokens.clone().any(|token| token == PIPE) {
                return Ok(true);
            }
            if tokens.any(|token| token == SHUTDOWN) {
                return Ok(false);
            }
        }
    }
}
