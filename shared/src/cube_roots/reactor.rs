//! One event loop that serves many connections on one thread, edge-triggered.
//!
//! - A connection's **turn** reads once, answers all that the bytes complete, and writes at once. It
//!   takes as many turns as it needs until the kernel has nothing more for it; between two of them all
//!   its neighbours have theirs, so one that floods cannot starve them.
//! - An edge comes only once. So whatever is left undone is in [`Reactor::unfinished`] (or is waited for
//!   by a timer), and only a connection that the kernel has emptied is left to epoll.
//! - Idle connections hold no buffers. One clock reading a wake-up serves all of them.
//!
//! It knows bytes and messages; what a message means is the [`Service`]'s.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: `net.Listener.Accept`, a goroutine per `net.Conn`. Man: epoll(7).

mod accept;
mod connection;
mod deadlines;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;
use socket2::Socket;

use crate::linux::readiness;
use crate::linux::shutdown::Shutdown;
use accept::Accepting;
pub use connection::End;
use connection::{Connection, Desk, Turn};
use deadlines::Deadlines;

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);

/// How many events one epoll_wait(2) brings.
const EVENTS: usize = 1024;

/// What a server does for its peers. `peer` numbers the connections that are open at one time.
pub trait Service {
    /// A connection was accepted.
    fn established(&mut self, _peer: usize, _socket: &Socket) {}
    /// Appends the answer to `request`, which comes without its TAB.
    fn respond(&mut self, peer: usize, request: &[u8], answers: &mut Vec<u8>);
    /// Appends the answer to a message that outgrew the cap, after which the connection is closed.
    fn respond_too_long(&mut self, peer: usize, answers: &mut Vec<u8>);
    /// Appends the answer to what the peer left without a TAB when it closed its side.
    fn respond_unterminated(&mut self, peer: usize, tail: &[u8], answers: &mut Vec<u8>);
    /// The kernel took so many bytes of the answers.
    fn sent(&mut self, _peer: usize, _bytes: usize) {}
    /// The connection is over.
    fn closed(&mut self, _peer: usize, _end: &End) {}
}

/// How a reactor behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Reads are records, and answers must be.
    pub records: bool,
    /// How long a connection may complete no request; zero is for ever.
    pub idle_timeout: Duration,
    /// How many connections are accepted at one time; others wait in the kernel's backlog.
    pub max_connections: usize,
    /// How long peers have to close their side after a shutdown.
    pub grace: Duration,
    /// Whose peers are served, by the user they run as; empty is everybody's.
    pub allow_uid: &'a [u32],
}

/// What happened, for the last line on stderr.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Accepted.
    pub connections: u64,
    /// Answered, errors included.
    pub requests: u64,
    /// Closed because no request was completed in time.
    pub timed_out: u64,
    /// Closed by an error, such as a reset.
    pub failed: u64,
    /// Still open when the grace period ended.
    pub cut_off: u64,
}

impl Counts {
    /// The sum, over the reactors of one server.
    #[must_use]
    pub fn and(self, other: Counts) -> Counts {
        Counts {
            connections: self.connections + other.connections,
            requests: self.requests + other.requests,
            timed_out: self.timed_out + other.timed_out,
            failed: self.failed + other.failed,
            cut_off: self.cut_off + other.cut_off,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connections={} requests={} ", self.connections, self.requests)?;
        write!(f, "timed_out={} failed={} cut_off={}", self.timed_out, self.failed, self.cut_off)
    }
}

/// One event loop.
pub struct Reactor<'a, S> {
    poll: Poll,
    accepting: Accepting,
    connections: Slab<Connection>,
    unfinished: VecDeque<usize>,
    deadlines: Deadlines,
    desk: Desk<S>,
    options: Options<'a>,
    counts: Counts,
    shutdown: &'a Shutdown,
    /// Once the shutdown has begun: when it ends whatever the peers do.
    grace_ends: Option<Instant>,
}

/// Serves `listener` (non-blocking, listening) until `shutdown` is requested and the peers are done.
pub fn run<S: Service>(listener: Socket, service: S, options: Options<'_>, shutdown: &Shutdown) -> io::Result<Counts> {
    Reactor::new(listener, service, options, shutdown)?.serve()
}

impl<'a, S: Service> Reactor<'a, S> {
    fn new(listener: Socket, service: S, options: Options<'a>, shutdown: &'a Shutdown) -> io::Result<Reactor<'a, S>> {
        let poll = Poll::new()?;
        shutdown.wake(Waker::new(poll.registry(), WAKER)?)?;
        poll.registry().register(&mut SourceFd(&listener.as_raw_fd()), LISTENER, Interest::READABLE)?;
        Ok(Reactor {
            poll,
            accepting: Accepting::new(listener),
            connections: Slab::new(),
            unfinished: VecDeque::new(),
            deadlines: Deadlines::new(options.idle_timeout, Instant::now()),
            desk: Desk::new(service, options.records),
            options,
            counts: Counts::default(),
            shutdown,
            grace_ends: None,
        })
    }

    // ANCHOR: loop
    fn serve(mut self) -> io::Result<Counts> {
        let mut events = Events::with_capacity(EVENTS);
        while !self.is_over() {
            let patience = self.patience();
            readiness::wait(&mut self.poll, &mut events, patience)?;
            let now = Instant::now();
            self.desk.now = self.deadlines.tick(now);
            for event in &events {
                self.handle(event, now)?;
            }
            self.go_on_with_unfinished()?;
            if self.accepting.retries_by(now) {
                self.accept(now)?;
            }
            for peer in self.deadlines.expired(now, &self.connections) {
                self.close(peer, &End::TimedOut)?;
            }
        }
        let rest: Vec<usize> = self.connections.iter().map(|(peer, _)| peer).collect();
        rest.into_iter().try_for_each(|peer| self.close(peer, &End::CutOff))?;
        self.counts.requests = self.desk.answered;
        Ok(self.counts)
    }
    // ANCHOR_END: loop

    fn handle(&mut self, event: &Event, now: Instant) -> io::Result<()> {
        match event.token() {
            LISTENER => self.accept(now),
            WAKER => self.begin_shutdown(now),
            Token(peer) => {
                // Data and the peer's end can share one edge, and a short read would hide the end.
                self.turn(peer, event.is_read_closed() || event.is_error())
            }
        }
    }

    /// An event may be of a connection that was closed since, even of another one that has its number
    /// by now: then it is one turn for nothing. One that is unfinished has its turn coming.
    fn turn(&mut self, peer: usize, ended: bool) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(peer) else { return Ok(()) };
        connection.ended |= ended;
        if connection.queued {
            return Ok(());
        }
        match connection.turn(peer, &mut self.desk) {
            Turn::Closed(end) => return self.close(peer, &end),
            Turn::Unfinished => {
                connection.queued = true;
                self.unfinished.push_back(peer);
            }
            Turn::Drained => {}
        }
        connection.await_room(&self.poll, Token(peer))
    }

    /// One more turn for each that was unfinished when this began.
    fn go_on_with_unfinished(&mut self) -> io::Result<()> {
        for _ in 0..self.unfinished.len() {
            let Some(peer) = self.unfinished.pop_front() else { break };
            if let Some(connection) = self.connections.get_mut(peer) {
                connection.queued = false;
            }
            self.turn(peer, false)?;
        }
        Ok(())
    }

    fn close(&mut self, peer: usize, end: &End) -> io::Result<()> {
        drop(self.connections.remove(peer));
        self.desk.service.closed(peer, end);
        match end {
            End::Orderly => {}
            End::TimedOut => self.counts.timed_out += 1,
            End::CutOff => self.counts.cut_off += 1,
            End::Failed(_) => self.counts.failed += 1,
        }
        // A descriptor is free again: those who wait for one get it.
        if self.accepting.is_paused() { self.accept(Instant::now()) } else { Ok(()) }
    }

    /// How long to wait for events: not at all while turns are due, else until the next timer.
    fn patience(&self) -> Option<Duration> {
        if !self.unfinished.is_empty() {
            return Some(Duration::ZERO);
        }
        let timers = [self.deadlines.next(), self.accepting.next_retry(), self.grace_ends];
        let next = timers.into_iter().flatten().min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    /// Stops accepting, and has every connection answer what has been received, half-close, and wait
    /// for its peer's end. Who completed the handshake before this is served too.
    fn begin_shutdown(&mut self, now: Instant) -> io::Result<()> {
        if self.grace_ends.is_some() || !self.shutdown.is_requested() {
            return Ok(());
        }
        self.accept(now)?;
        while self.accepting.retries_by(now) {
            self.accept(now)?;
        }
        self.accepting.stop(&self.poll)?;
        self.grace_ends = Some(now + self.options.grace);
        self.desk.is_last = true;
        let all: Vec<usize> = self.connections.iter().map(|(peer, _)| peer).collect();
        all.into_iter().try_for_each(|peer| self.turn(peer, false))
    }

    fn is_over(&self) -> bool {
        self.grace_ends.is_some_and(|end| self.connections.is_empty() || Instant::now() >= end)
    }
}
