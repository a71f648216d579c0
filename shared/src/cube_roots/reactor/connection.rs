//! One connection: what the peer has sent, what it has not taken yet, and how far the conversation has come.
//!
//! Note: Read方法 (部分读), Close方法. Go: `net.Conn`. Man: epoll(7), recv(2), shutdown(2).

use std::io;
use std::mem;
use std::net::Shutdown;

use mio::{Poll, Token};
use socket2::Socket;

use super::desk::{Desk, Tick};
use super::due::Due;
use super::service::{End, Service};
use super::stage::{Stage, Turn};
use super::trust::Trust;
use crate::cube_roots::framing::Inbox;
use crate::cube_roots::outbox::Outbox;
use crate::linux::readiness::{Ready, read, read_record};

/// Once there are this many bytes of answers, the peer must take them before more are made. ...
const ANSWERS: usize = 16 << 10;

/// ... That is checked after this many bytes of requests, whose answers are at most 19 times as long.
const PIECE: usize = 512;

/// A connection; small, because 10,000 idle ones are in memory at a time.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Socket,
    inbox: Inbox,
    /// What was read but must wait until the peer has taken the answers to what came before.
    held: Box<[u8]>,
    outbox: Outbox,
    /// When the last request was completed, or the peer last took answers that waited for it.
    pub(super) last_progress: Tick,
    stage: Stage,
    pub(super) trust: Trust,
    /// In a shutdown.
    due: Due,
    /// It is among those that are looked at again.
    pub(super) in_doubt: bool,
    /// Another turn is due already.
    pub(super) queued: bool,
    /// The peer has sent a byte.
    pub(super) heard: bool,
}

impl Connection {
    pub(super) fn new(socket: Socket, now: Tick) -> Connection {
        Connection {
            socket,
            inbox: Inbox::default(),
            held: Box::default(),
            outbox: Outbox::default(),
            last_progress: now,
            stage: Stage::Open,
            due: Due::default(),
            trust: Trust::Sure,
            in_doubt: false,
            queued: false,
            heard: false,
        }
    }

    pub(super) fn turn<S: Service>(&mut self, peer: usize, input: &mut [u8], desk: &mut Desk<S>) -> Turn {
        self.try_turn(peer, input, desk).unwrap_or_else(|error| Turn::Closed(End::Failed(error)))
    }

    /// Works until the kernel takes no more, has no more, or one read has been answered.
    ///
    /// Nothing is read or answered while answers wait: a peer that does not take them costs one read and
    /// some answers, and when it takes them, the WRITABLE edge goes on here.
    #[inline]
    fn try_turn<S: Service>(&mut self, peer: usize, input: &mut [u8], desk: &mut Desk<S>) -> io::Result<Turn> {
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
        if !self.held.is_empty() {
            let held = mem::take(&mut self.held);
            return self.answer(&held, false, peer, desk);
        }
        match if desk.records { read_record(&self.socket, input) } else { read(&self.socket, input) }? {
            Ready::NotYet => self.emptied(desk),
            Ready::Done(0) => self.end_of_stream(peer, desk),
            Ready::Done(count) => {
                self.heard = true;
                if self.stage == Stage::Lingering {
                    return Ok(Turn::Unfinished);
                }
                if count > input.len() {
                    return self.refuse(peer, desk);
                }
                let due = if desk.is_last { self.due.of(&input[..count], !self.inbox.is_empty()) } else { count };
                if due == 0 {
                    return self.close_our_side();
                }
                let short = count < input.len() && !desk.records && !desk.is_last;
                let emptied = short && self.trust.believe();
                self.answer(&input[..due], emptied, peer, desk)
            }
        }
    }

    pub(super) fn begin_shutdown(&mut self) -> io::Result<()> {
        self.due = Due::now(&self.socket)?;
        Ok(())
    }

    /// Answers the messages that `bytes` complete, for as long as the peer takes the answers. `emptied`:
    /// nothing stands behind these bytes.
    #[inline]
    fn answer<S: Service>(&mut self, bytes: &[u8], emptied: bool, peer: usize, desk: &mut Desk<S>) -> io::Result<Turn> {
        let mut rest = bytes;
        while !rest.is_empty() && self.stage == Stage::Open {
            if desk.answers.len() >= ANSWERS {
                self.send(peer, desk)?;
            }
            if !self.outbox.is_empty() {
                self.held = rest.into();
                return Ok(Turn::Drained);
            }
            let (piece, behind) = rest.split_at(PIECE.min(rest.len()));
            self.feed(piece, peer, desk);
            rest = behind;
        }
        if desk.records && self.stage == Stage::Open {
            self.answer_tail(peer, desk);
        }
        self.send(peer, desk)?;
        if !self.outbox.is_empty() {
            Ok(Turn::Drained)
        } else if self.stage == Stage::Closing {
            self.close_our_side()
        } else if emptied {
            Ok(Turn::Drained)
        } else {
            Ok(Turn::Unfinished)
        }
    }

    /// Makes the answers to what `piece` completes, or the last one when a message outgrew the cap.
    #[inline]
    fn feed<S: Service>(&mut self, piece: &[u8], peer: usize, desk: &mut Desk<S>) {
        let Desk { service, answers, answered, .. } = desk;
        let before = *answered;
        let fed = self.inbox.feed(piece, |message| {
            service.respond(peer, message, answers);
            *answered += 1;
        });
        if *answered > before {
            self.last_progress = desk.now;
        }
        if fed.is_err() {
            self.answer_too_long(peer, desk);
        }
    }

    fn answer_too_long<S: Service>(&mut self, peer: usize, desk: &mut Desk<S>) {
        desk.service.respond_too_long(peer, &mut desk.answers);
        desk.answered += 1;
        self.stage = Stage::Closing;
    }

    /// The record did not fit: no part of it is a request.
    fn refuse<S: Service>(&mut self, peer: usize, desk: &mut Desk<S>) -> io::Result<Turn> {
        self.answer_too_long(peer, desk);
        self.send(peer, desk)?;
        if self.outbox.is_empty() { self.close_our_side() } else { Ok(Turn::Drained) }
    }

    /// The kernel has no more for us now. In a shutdown that is the end, unless a request has come in part.
    fn emptied<S>(&mut self, desk: &Desk<S>) -> io::Result<Turn> {
        self.trust.emptied();
        let answered = self.stage == Stage::Open && self.inbox.is_empty();
        if desk.is_last && answered { self.close_our_side() } else { Ok(Turn::Drained) }
    }

    /// The peer has closed its side.
    fn end_of_stream<S: Service>(&mut self, peer: usize, desk: &mut Desk<S>) -> io::Result<Turn> {
        self.end_requests(peer, desk)?;
        self.stage = Stage::Leaving;
        if self.outbox.is_empty() { self.close_our_side() } else { Ok(Turn::Drained) }
    }

    /// No more requests are taken; an unterminated one is answered as none.
    pub(super) fn end_requests<S: Service>(&mut self, peer: usize, desk: &mut Desk<S>) -> io::Result<()> {
        if self.stage != Stage::Open || self.inbox.is_empty() || !self.outbox.is_empty() {
            return Ok(());
        }
        desk.service.respond_unterminated(peer, &self.inbox.take_tail(), &mut desk.answers);
        desk.answered += 1;
        self.send(peer, desk)
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

    /// Number of bytes that wait for the peer.
    #[inline]
    pub(super) fn kept(&self) -> usize {
        self.held.len() + self.outbox.kept()
    }

    #[inline]
    pub(super) fn await_room(&mut self, poll: &Poll, token: Token) -> io::Result<()> {
        self.outbox.await_room(poll, &self.socket, token)
    }
}
