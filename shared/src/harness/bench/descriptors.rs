//! A side that is two descriptors, or one socket twice: all are measured by the same calls, read(2) and write(2).
//!
//! Blocking, or non-blocking under mio's event loop.
//!
//! Man: read(2), write(2), epoll(7).

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::Context;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use socket2::Socket;

use super::mechanism::{Meeting, Side};
use crate::linux::readiness::{Ready, nonblocking, set_nonblocking, wait};

/// No limit to what one call may read or write.
pub const ANY: usize = usize::MAX;

/// A side whose calls block, and move at most `MOST` bytes each.
pub fn blocking<const MOST: usize>(input: File, output: File) -> anyhow::Result<Box<dyn Side>> {
    Ok(Box::new(Blocking::<MOST> { input, output }))
}

/// A side whose calls do not block: each is made until it is done or `EAGAIN`, and then there is one wait.
///
/// The descriptors must not be shared: they are made non-blocking.
pub fn event_loop<const MOST: usize>(input: File, output: File) -> anyhow::Result<Box<dyn Side>> {
    [&input, &output].into_iter().try_for_each(set_nonblocking).context("fcntl O_NONBLOCK")?;
    let poll = Poll::new().context("epoll_create")?;
    poll.registry().register(&mut SourceFd(&input.as_raw_fd()), Token(0), Interest::READABLE)?;
    Ok(Box::new(EventLoop::<MOST> { input, output, poll, events: Events::with_capacity(2) }))
}

struct Blocking<const MOST: usize> {
    input: File,
    output: File,
}

impl<const MOST: usize> Side for Blocking<MOST> {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        message.chunks(MOST).try_for_each(|piece| self.output.write_all(piece))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        buffer.chunks_mut(MOST).try_for_each(|piece| self.input.read_exact(piece))
    }
}

struct EventLoop<const MOST: usize> {
    input: File,
    output: File,
    poll: Poll,
    events: Events,
}

impl<const MOST: usize> EventLoop<MOST> {
    fn await_room(&mut self) -> io::Result<()> {
        let output = self.output.as_raw_fd();
        self.poll.registry().register(&mut SourceFd(&output), Token(1), Interest::WRITABLE)?;
        wait(&mut self.poll, &mut self.events, None)?;
        self.poll.registry().deregister(&mut SourceFd(&output))
    }
}

impl<const MOST: usize> Side for EventLoop<MOST> {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        for mut piece in message.chunks(MOST) {
            while !piece.is_empty() {
                match nonblocking("write", &self.output, || (&self.output).write(piece))? {
                    Ready::Done(count) => piece = &piece[count..],
                    Ready::NotYet => self.await_room()?,
                }
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        for mut piece in buffer.chunks_mut(MOST) {
            while !piece.is_empty() {
                match nonblocking("read", &self.input, || (&self.input).read(piece))? {
                    Ready::Done(0) => return Err(io::Error::new(ErrorKind::UnexpectedEof, "the other side has gone")),
                    Ready::Done(count) => piece = &mut piece[count..],
                    Ready::NotYet => wait(&mut self.poll, &mut self.events, None)?,
                }
            }
        }
        Ok(())
    }
}

/// Two connected sockets, the first for this side.
pub fn sockets(
    (ours, theirs): (Socket, Socket),
    side: fn(File, File) -> anyhow::Result<Box<dyn Side>>,
) -> anyhow::Result<Meeting> {
    let file = |socket: Socket| File::from(OwnedFd::from(socket));
    let ours = side(file(ours.try_clone()?), file(ours))?;
    Ok(Meeting::Process(ours, theirs.try_clone()?.into(), theirs.into()))
}
