//! One event loop that serves many connections on one thread, edge-triggered.
//!
//! - A connection's **turn** reads once, answers all that the bytes complete, and writes at once. It
//!   takes turns until the kernel has nothing more for it; between two of them all its neighbours have
//!   theirs, so one that floods cannot starve them. The listening socket takes turns, too.
//! - An edge comes only once. So each connection with work left is in [`Reactor::unfinished`], and only
//!   one that the kernel has emptied, or that the kernel takes no more from, is left to epoll: `EAGAIN`
//!   said so, or a short read that [`Doubts`] looks at again.
//! - Only the listening socket, or epoll itself, can end the loop: whatever else fails costs one connection.
//! - Idle connections hold no buffers. One clock reading a wake-up serves all of them.
//!
//! It knows bytes and messages; what a message means is for the [`Service`] to say.
//!
//! Over 250 lines: whatever touches more than one connection stands on this page.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: `net.Listener.Accept`, a goroutine per `net.Conn`. Man: epoll(7).

mod accept;
mod connection;
mod counts;
mod deadlines;
mod desk;
mod doubts;
mod due;
mod memory;
mod service;
mod stage;
mod trust;

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::Context;
use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;
use socket2::{SockAddr, Socket};

use crate::cube_roots::outbox::INTEREST;
use crate::linux::readiness;
use crate::linux::shutdown::Shutdown;
use accept::{A_TURN, Accepted, Accepting};
use connection::Connection;
pub use counts::Counts;
use deadlines::Deadlines;
use desk::{Desk, INPUT};
use doubts::Doubts;
use memory::Memory;
pub use service::{End, Service};
use stage::Turn;
use trust::Trust;

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);

/// The most events that one epoll_wait(2) returns.
const EVENTS: usize = 1024;

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
    /// The users whose peers are served; empty means everybody.
    pub allow_uid: &'a [u32],
}

/// One event loop.
pub struct Reactor<'a, S> {
    poll: Poll,
    accepting: Accepting,
    connections: Slab<Connection>,
    unfinished: VecDeque<usize>,
    deadlines: Deadlines,
    doubts: Doubts,
    memory: Memory,
    desk: Desk<S>,
    input: Box<[u8]>,
    options: Options<'a>,
    counts: Counts,
    shutdown: &'a Shutdown,
    /// Once the shutdown has begun: when it ends, whatever the peers do.
    grace_ends: Option<Instant>,
}

/// Serves `listener` (non-blocking, listening) until `shutdown` is requested and the peers are done.
pub fn run<S: Service>(
    listener: Socket,
    service: S,
    options: Options<'_>,
    shutdown: &Shutdown,
) -> anyhow::Result<Counts> {
    Reactor::new(listener, service, options, shutdown).context("start an event loop")?.serve()
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
            doubts: Doubts::default(),
            memory: Memory::default(),
            desk: Desk::new(service, options.records),
            input: vec![0; INPUT].into(),
            options,
            counts: Counts::default(),
            shutdown,
            grace_ends: None,
        })
    }

    fn serve(mut self) -> anyhow::Result<Counts> {
        let mut events = Events::with_capacity(EVENTS);
        while !self.is_over() {
            let patience = self.patience();
            readiness::wait(&mut self.poll, &mut events, patience).context("epoll_wait")?;
            let now = Instant::now();
            self.desk.now = self.deadlines.tick(now);
            // ANCHOR: loop
            for event in &events {
                self.handle(event, now)?;
            }
            self.go_on_with_unfinished();
            if self.accepting.is_due(now) {
                self.accept(now)?;
            }
            for peer in self.doubts.due(now, &mut self.connections) {
                self.turn(peer);
            }
            for peer in self.deadlines.expired(now, &self.connections) {
                self.close(peer, &End::TimedOut);
            }
            // ANCHOR_END: loop
        }
        self.cut_off_the_rest();
        self.counts.requests = self.desk.answered;
        Ok(self.counts)
    }

    fn handle(&mut self, event: &Event, now: Instant) -> anyhow::Result<()> {
        match event.token() {
            LISTENER => self.accepting.edge(),
            WAKER => self.begin_shutdown(now)?,
            Token(peer) => {
                let hides = event.is_read_closed() || event.is_error() || event.is_priority();
                if hides && let Some(connection) = self.connections.get_mut(peer) {
                    connection.trust = Trust::Lost;
                }
                self.turn(peer);
            }
        }
        Ok(())
    }

    /// The event may belong to a connection that was closed meanwhile, and its number to another one by
    /// now: that costs one turn for nothing. An unfinished connection has its turn coming anyway.
    fn turn(&mut self, peer: usize) {
        let Some(connection) = self.connections.get_mut(peer) else { return };
        if connection.queued {
            return;
        }
        let before = connection.kept();
        let turn = connection.turn(peer, &mut self.input, &mut self.desk);
        self.memory.changed(before, connection.kept());
        match turn {
            Turn::Closed(end) => return self.close(peer, &end),
            Turn::Unfinished => {
                connection.queued = true;
                self.unfinished.push_back(peer);
            }
            Turn::Drained => self.doubts.note(peer, connection),
        }
        if let Err(error) = connection.await_room(&self.poll, Token(peer)) {
            self.close(peer, &End::Failed(error));
        }
    }

    /// One turn of accept(2), in which a few are accepted.
    fn accept(&mut self, now: Instant) -> anyhow::Result<()> {
        self.accepting.edge();
        for _ in 0..A_TURN {
            let is_room = self.connections.len() < self.options.max_connections;
            match self.accepting.accept(is_room, now)? {
                Accepted::Peer(socket, address) => {
                    self.welcome(socket, &address).unwrap_or_else(|error| self.lose(&error));
                }
                Accepted::Lost(error) => self.lose(&error),
                Accepted::Nobody => break,
            }
            if !self.accepting.is_due(now) {
                break;
            }
        }
        Ok(())
    }

    fn welcome(&mut self, socket: Socket, address: &SockAddr) -> io::Result<()> {
        if !accept::is_welcome(&socket, self.options.allow_uid)? {
            return Ok(());
        }
        let entry = self.connections.vacant_entry();
        let peer = entry.key();
        self.poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), Token(peer), INTEREST)?;
        self.desk.service.established(peer, address);
        entry.insert(Connection::new(socket, self.desk.now));
        self.deadlines.watch(self.desk.now);
        Ok(())
    }

    fn lose(&mut self, error: &io::Error) {
        self.counts.failed += 1;
        self.desk.service.lost(error);
    }

    /// One more turn for each that was unfinished when this began.
    fn go_on_with_unfinished(&mut self) {
        for _ in 0..self.unfinished.len() {
            let Some(peer) = self.unfinished.pop_front() else { break };
            if let Some(connection) = self.connections.get_mut(peer) {
                connection.queued = false;
            }
            self.turn(peer);
        }
    }

    fn close(&mut self, peer: usize, end: &End) {
        let connection = self.connections.remove(peer);
        self.memory.changed(connection.kept(), 0);
        self.counts.closed(connection.heard, end);
        drop(connection);
        self.accepting.room();
        self.desk.service.closed(peer, end);
    }

    /// How long to wait for events: not at all while turns are due, else until the next timer.
    fn patience(&mut self) -> Option<Duration> {
        if !self.unfinished.is_empty() {
            return Some(Duration::ZERO);
        }
        let now = Instant::now();
        if self.accepting.is_due(now) {
            return Some(Duration::ZERO);
        }
        self.memory.give_back();
        let timers = [self.deadlines.next(), self.doubts.next(), self.accepting.next_retry(), self.grace_ends];
        let next = timers.into_iter().flatten().min()?;
        Some(next.saturating_duration_since(now))
    }

    /// Stops accepting, and makes every connection answer what has been received, half-close, and wait
    /// for its peer's end. Peers that completed the handshake before this are served, too.
    fn begin_shutdown(&mut self, now: Instant) -> anyhow::Result<()> {
        if self.grace_ends.is_some() || !self.shutdown.is_requested() {
            return Ok(());
        }
        self.accepting.edge();
        for _ in 0..=accept::longest_backlog() / A_TURN {
            if self.accepting.is_due(now) {
                self.accept(now)?;
            }
        }
        self.accepting.stop(self.poll.registry());
        self.grace_ends = Some(now + self.options.grace);
        self.desk.is_last = true;
        for peer in self.everybody() {
            match self.connections[peer].begin_shutdown() {
                Ok(()) => self.turn(peer),
                Err(error) => self.close(peer, &End::Failed(error)),
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.grace_ends.is_some_and(|end| self.connections.is_empty() || Instant::now() >= end)
    }

    /// Waits for nobody any longer. A request that has come in part is answered as none.
    fn cut_off_the_rest(&mut self) {
        for peer in self.everybody() {
            let told = self.connections[peer].end_requests(peer, &mut self.desk);
            self.close(peer, &told.map_or_else(End::Failed, |()| End::CutOff));
        }
    }

    fn everybody(&self) -> Vec<usize> {
        self.connections.iter().map(|(peer, _)| peer).collect()
    }
}
