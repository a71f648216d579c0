//! One peer: what it has sent so far, what it has not taken yet, and how far the conversation has come.
//!
//! Note: Read方法 (部分读), Close方法. Go: `net.Conn`. Man: epoll(7), recv(2), shutdown(2).

use std::io;
use std::net::Shutdown;

use mio::{Poll, Token};
use socket2::Socket;

use super::Service;
use super::deadlines::Tick;
use crate::cube_roots::framing::Inbox;
use crate::cube_roots::outbox::Outbox;
use crate::linux::readiness::{Ready, read};

/// The most that one turn reads. A record that is longer than a message may be fits with room to spare.
const INPUT: usize = 8192;

/// What all connections of a reactor work with, one at a time.
pub(super) struct Desk<S> {
    pub(super) service: S,
    pub(super) records: bool,
    /// The tick of this wake-up.
    pub(super) now: Tick,
    /// The server is about to end: whoever has been answered is half-closed.
    pub(super) is_last: bool,
    pub(super) answered: u64,
    input: Box<[u8]>,
    answers: Vec<u8>,
}

impl<S> Desk<S> {
    pub(super) fn new(service: S, records: bool) -> Desk<S> {
        let (input, answers) = (vec![0; INPUT].into(), Vec::with_capacity(INPUT));
        Desk { service, records, now: 0, is_last: false, answered: 0, input, answers }
    }
}

/// How far the conversation has come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// Requests are read and answered.
    Open,
    /// The last answers are on their way; then our side is closed.
    Closing,
    /// The last answers are on their way to a peer that has closed its side; then all is over.
    Leaving,
    /// Our side is closed. What comes is read and dropped: a close with unread bytes would make the
    /// kernel reset the connection, and the peer lose answers that it has not read yet.
    Lingering,
}

/// How a connection ended.
#[derive(Debug)]
pub enum End {
    /// Both sides closed.
    Orderly,
    /// No request was completed in time.
    TimedOut,
    /// The grace period of a shutdown ended first.
    CutOff,
    /// A reset, most of the time.
    Failed(io::Error),
}

/// What is to be done after a turn.
#[derive(Debug)]
pub(super) enum Turn {
    /// Nothing until the next event: the kernel has no more bytes, or takes no more.
    Drained,
    /// Another turn, after the neighbours.
    Unfinished,
    /// The connection is over.
    Closed(End),
}

/// A connection. 10,000 idle ones are all in memory, so it is small.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Socket,
    inbox: Inbox,
    outbox: Outbox,
    /// When the last request was completed, or the peer took what it had left lying.
    pub(super) last_progress: Tick,
    stage: Stage,
    /// The kernel has announced the peer's end or an error: reads go on until they meet it.
    pub(super) ended: bool,
    /// Another turn is due already.
    pub(super) queued: bool,
}

impl Connection {
    pub(super) fn new(socket: Socket, now: Tick) -> Connection {
        Connection {
            socket,
            inbox: Inbox::default(),
            outbox: Outbox::default(),
            last_progress: now,
            stage: Stage::Open,
            ended: false,
            queued: false,
        }
    }

    pub(super) fn turn<S: Service>(&mut self, peer: usize, desk: &mut Desk<S>) -> Turn {
        self.try_turn(peer, desk).unwrap_or_else(|error| Turn::Closed(End::Failed(error)))
    }

    /// Works until the kernel takes no more, has no more, or one read was answered.
    ///
    /// Nothing is read while answers wait: a peer that does not read them costs what one turn made, and
    /// when it reads again, the WRITABLE edge goes on here.
    #[inline]
    fn try_turn<S: Service>(&mut self, peer: usize, desk: &mut Desk<S>) -> io::Result<Turn> {
        if !self.outbox.is_empty() {
            let sent = self.outbox.flush(&self.socket, desk.records)?;
            self.account(sent, peer, desk);
            if !self.outbox.is_empty() {
                return Ok(Turn::Drained);
            }
            if self.stage != Stage::Open {
                return self.close_our_side();
            }
        }
        match read(&self.socket, &mut desk.input)? {
            Ready::NotYet => self.drained(desk),
            Ready::Done(0) => self.end_of_stream(peer, desk),
            Ready::Done(_) if self.stage == Stage::Lingering => Ok(Turn::Unfinished),
            Ready::Done(count) => self.answer(count, peer, desk),
        }
    }

    /// Answers the messages that the first `count` bytes of the input complete.
    #[inline]
    fn answer<S: Service>(&mut self, count: usize, peer: usize, desk: &mut Desk<S>) -> io::Result<Turn> {
        let Desk { service, input, answers, answered, .. } = desk;
        let before = *answered;
        let fed = self.inbox.feed(&input[..count], |message| {
            service.respond(peer, message, answers);
            *answered += 1;
        });
        if *answered > before {
            self.last_progress = desk.now;
        }
        if fed.is_err() {
            desk.service.respond_too_long(peer, &mut desk.answers);
            desk.answered += 1;
            self.stage = Stage::Closing;
        } else if desk.records {
            self.answer_tail(peer, desk);
        }
        self.send(peer, desk)?;
        if !self.outbox.is_empty() {
            return Ok(Turn::Drained);
        }
        if self.stage == Stage::Closing {
            return self.close_our_side();
        }
        // epoll(7): a short read of a stream has emptied it, and what comes later makes a new edge. Not
        // so a record, nor a full buffer, nor a stream whose end came with the data under one edge.
        if desk.records || count == desk.input.len() || self.ended {
            return Ok(Turn::Unfinished);
        }
        self.drained(desk)
    }

    /// The kernel has no more for us now.
    fn drained<S>(&mut self, desk: &Desk<S>) -> io::Result<Turn> {
        if desk.is_last && self.stage == Stage::Open { self.close_our_side() } else { Ok(Turn::Drained) }
    }

    /// The peer has closed its side: what it left unterminated is no request, and told so.
    fn end_of_stream<S: Service>(&mut self, peer: usize, desk: &mut Desk<S>) -> io::Result<Turn> {
        if self.stage == Stage::Open {
            let tail = self.inbox.take_tail();
            if !tail.is_empty() {
                desk.service.respond_unterminated(peer, &tail, &mut desk.answers);
                desk.answered += 1;
                self.send(peer, desk)?;
            }
        }
        self.stage = Stage::Leaving;
        if self.outbox.is_empty() { self.close_our_side() } else { Ok(Turn::Drained) }
    }

    /// The end of a record ends a message too, though no TAB does.
    fn answer_tail<S: Service>(&mut self, peer: usize, desk: &mut Desk<S>) {
        let tail = self.inbox.take_tail();
        if !tail.is_empty() {
            desk.service.respond(peer, &tail, &mut desk.answers);
            desk.answered += 1;
            self.last_progress = desk.now;
        }
    }

    #[inline]
    fn send<S: Service>(&mut self, peer: usize, desk: &mut Desk<S>) -> io::Result<()> {
        let sent = self.outbox.send(&self.socket, &desk.answers, desk.records);
        desk.answers.clear();
        self.account(sent?, peer, desk);
        Ok(())
    }

    #[inline]
    fn account<S: Service>(&mut self, sent: usize, peer: usize, desk: &mut Desk<S>) {
        if sent > 0 {
            self.last_progress = desk.now;
            desk.service.sent(peer, sent);
        }
    }

    /// All is said: the peer reads the end, and we wait for its own.
    fn close_our_side(&mut self) -> io::Result<Turn> {
        if self.stage == Stage::Leaving {
            return Ok(Turn::Closed(End::Orderly));
        }
        self.stage = Stage::Lingering;
        self.socket.shutdown(Shutdown::Write)?;
        Ok(Turn::Unfinished)
    }

    #[inline]
    pub(super) fn await_room(&mut self, poll: &Poll, token: Token) -> io::Result<()> {
        self.outbox.await_room(poll, &self.socket, token)
    }
}
