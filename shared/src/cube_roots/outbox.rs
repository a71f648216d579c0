//! Answers on their way to the kernel: written at once, and only what it did not take is kept.
//!
//! Waiting for WRITABLE first would cost a third to a half more: a socket is nearly always writable.
//!
//! Note: Write方法 (部分写). Man: send(2).

use std::io;
use std::os::fd::AsRawFd;

use mio::unix::SourceFd;
use mio::{Interest, Poll, Token};
use socket2::Socket;

use crate::cube_roots::framing::DELIMITER;
use crate::linux::readiness::{Ready, write};

/// What a connection is registered for, while nothing waits: bytes, and the urgent data behind which a short
/// read may hide some.
pub(crate) const INTEREST: Interest = Interest::READABLE.add(Interest::PRIORITY);

/// What the kernel has not taken yet. Holds no memory while it is empty.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    unsent: Vec<u8>,
    start: usize,
    /// Registered for WRITABLE, too.
    awaits_room: bool,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Number of bytes that wait.
    pub(crate) fn kept(&self) -> usize {
        self.unsent.len()
    }

    /// Writes `answers`, keeps what does not fit, and returns the number of bytes written. Only when empty.
    #[inline]
    pub(crate) fn send(&mut self, socket: &Socket, answers: &[u8], records: bool) -> io::Result<usize> {
        debug_assert!(self.is_empty(), "answers would overtake each other");
        let sent = write_all(socket, answers, records)?;
        if sent < answers.len() {
            self.unsent = answers[sent..].to_vec();
        }
        Ok(sent)
    }

    /// Writes what was kept, and returns the number of bytes written.
    pub(crate) fn flush(&mut self, socket: &Socket, records: bool) -> io::Result<usize> {
        let sent = write_all(socket, &self.unsent[self.start..], records)?;
        self.start += sent;
        if self.start == self.unsent.len() {
            (self.unsent, self.start) = (Vec::new(), 0);
        }
        Ok(sent)
    }

    /// Keeps `socket` registered for WRITABLE while something waits, and only then. Called after each turn:
    /// an epoll_ctl(2) each time would cost a tenth to a fifth more.
    #[inline]
    pub(crate) fn await_room(&mut self, poll: &Poll, socket: &Socket, token: Token) -> io::Result<()> {
        if self.is_empty() != self.awaits_room {
            return Ok(());
        }
        self.awaits_room = !self.awaits_room;
        let interest = if self.awaits_room { INTEREST | Interest::WRITABLE } else { INTEREST };
        poll.registry().reregister(&mut SourceFd(&socket.as_raw_fd()), token, interest)
    }
}

/// Writes until nothing is left or the kernel takes no more. A call writes one record, which ends in a TAB.
#[inline]
fn write_all(socket: &Socket, bytes: &[u8], records: bool) -> io::Result<usize> {
    let mut sent = 0;
    while sent < bytes.len() {
        let rest = &bytes[sent..];
        let record = if records { rest.iter().position(|&byte| byte == DELIMITER).map(|tab| tab + 1) } else { None };
        match write(socket, &rest[..record.unwrap_or(rest.len())])? {
            Ready::Done(count) => sent += count,
            Ready::NotYet => break,
        }
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Type};
    use std::io::Read;

    fn pair(kind: Type) -> (Socket, Socket) {
        Socket::pair(Domain::UNIX, kind.nonblocking(), None).unwrap()
    }

    #[test]
    fn what_the_kernel_does_not_take_goes_later_and_then_holds_no_memory() {
        let (ours, mut theirs) = pair(Type::STREAM);
        let (mut outbox, answers) = (Outbox::default(), b"0123456789".repeat(1_000_000));
        let mut sent = outbox.send(&ours, &answers, false).unwrap();
        assert!(sent > 0 && !outbox.is_empty());
        let (mut came, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
        while !outbox.is_empty() {
            let count = theirs.read(&mut buffer).unwrap();
            came.extend_from_slice(&buffer[..count]);
            sent += outbox.flush(&ours, false).unwrap();
        }
        while let Ok(count) = theirs.read(&mut buffer) {
            came.extend_from_slice(&buffer[..count]);
        }
        assert!(came == answers && sent == answers.len());
        assert_eq!(outbox.unsent.capacity(), 0);
    }

    #[test]
    fn an_answer_is_a_record() {
        let (ours, mut theirs) = pair(Type::SEQPACKET);
        assert_eq!(Outbox::default().send(&ours, b"one\ttwo\t", true).unwrap(), 8);
        let mut buffer = [0; 64];
        assert_eq!((theirs.read(&mut buffer).unwrap(), theirs.read(&mut buffer).unwrap()), (4, 4));
    }
}
