//! accept(2) in short turns until EAGAIN, and what to do when it fails.
//!
//! - The backlog is an edge, too: until accept(2) has answered EAGAIN, [`Next`] says what brings the next turn.
//! - After EMFILE, ENFILE, ENOBUFS or ENOMEM the client stays in the kernel's backlog and no new edge comes,
//!   even when descriptors are free again. Trying on would spin; waiting for an edge would never end. So the
//!   next close makes us try again, and so does a timer, for descriptors that others give back.
//! - Any other error costs one connection, as long as the socket still listens.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (Accept). Go: `net.Listener.Accept`. Man: accept(2).

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::Context;
use mio::Registry;
use mio::unix::SourceFd;
use nix::libc;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use socket2::{SockAddr, Socket};

use crate::linux::readiness::{Ready, nonblocking};
use crate::linux::stdio::narrate;

/// How long to wait for descriptors or memory that others give back.
const RETRY: Duration = Duration::from_millis(100);

/// The most connections that one turn accepts, between two turns of each open connection. With eight, a client
/// beside four processes that connect and close all the time was served a third as often.
pub(super) const A_TURN: usize = 2;

/// The connection failed before it was accepted; accept(2) advises to take these as `EAGAIN`.
const OF_THE_PEER: [i32; 12] = [
    libc::ECONNABORTED,
    libc::ECONNRESET,
    libc::EHOSTDOWN,
    libc::EHOSTUNREACH,
    libc::ENETDOWN,
    libc::ENETUNREACH,
    libc::ENONET,
    libc::ENOPROTOOPT,
    libc::EOPNOTSUPP,
    libc::EPERM,
    libc::EPROTO,
    libc::ETIMEDOUT,
];

/// Descriptors or memory for another connection are missing.
const EXHAUSTED: [i32; 4] = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];

/// The listening socket and whether it may be used now.
#[derive(Debug)]
pub(super) struct Accepting {
    /// `None` once the server has stopped accepting.
    listener: Option<Socket>,
    next: Next,
}

/// What brings the next turn of accept(2).
#[derive(Debug, PartialEq)]
enum Next {
    /// The backlog is empty: an edge.
    Edge,
    /// Nothing: it is due, after the neighbours have had theirs.
    Due,
    /// A close: the maximum of connections is reached.
    Close,
    /// A close, or this time: what is missing may come from elsewhere.
    CloseOr(Instant),
}

impl Accepting {
    pub(super) fn new(listener: Socket) -> Accepting {
        Accepting { listener: Some(listener), next: Next::Edge }
    }

    /// Somebody is in the backlog.
    pub(super) fn edge(&mut self) {
        self.next = Next::Due;
    }

    /// A connection was closed and its descriptor is free: if accept(2) waited for that, it has a turn.
    pub(super) fn room(&mut self) {
        if matches!(self.next, Next::Close | Next::CloseOr(_)) {
            self.next = Next::Due;
        }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        match self.next {
            Next::Due => true,
            Next::CloseOr(time) => time <= now,
            Next::Edge | Next::Close => false,
        }
    }

    /// When to try again, whatever happens.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        if let Next::CloseOr(time) = self.next { Some(time) } else { None }
    }

    /// Closes the listening socket. Where others share it, a close alone would not end its edges; if that fails, they
    /// mean nothing.
    pub(super) fn stop(&mut self, registry: &Registry) {
        self.next = Next::Edge;
        if let Some(listener) = self.listener.take() {
            let _ = registry.deregister(&mut SourceFd(&listener.as_raw_fd()));
        }
    }
}

/// What came of one accept(2).
pub(super) enum Accepted {
    /// Somebody has connected.
    Peer(Socket, SockAddr),
    /// A connection failed before it was one of ours.
    Lost(io::Error),
    /// Nobody; what brings the next turn is known.
    Nobody,
}

impl Accepting {
    /// accept(2) once, if there `is_room` for another connection. It fails only when the socket can accept nothing
    /// more, ever.
    pub(super) fn accept(&mut self, is_room: bool, now: Instant) -> anyhow::Result<Accepted> {
        let Some(listener) = &self.listener else {
            self.next = Next::Edge;
            return Ok(Accepted::Nobody);
        };
        if !is_room {
            self.next = Next::Close;
            return Ok(Accepted::Nobody);
        }
        let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        match nonblocking("accept", listener, || listener.accept4(flags)) {
            Ok(Ready::Done((socket, address))) => Ok(Accepted::Peer(socket, address)),
            Ok(Ready::NotYet) => {
                self.next = Next::Edge;
                Ok(Accepted::Nobody)
            }
            Err(error) if !listener.is_listener().unwrap_or(false) => Err(error).context("accept"),
            Err(error) if is_one_of(&error, &OF_THE_PEER) => Ok(Accepted::Lost(error)),
            Err(error) => {
                self.next = Next::CloseOr(now + RETRY);
                Ok(if is_one_of(&error, &EXHAUSTED) { Accepted::Nobody } else { Accepted::Lost(error) })
            }
        }
    }
}

/// The most that can be in a backlog: the kernel's limit.
pub(super) fn longest_backlog() -> usize {
    let limit = fs::read_to_string("/proc/sys/net/core/somaxconn").ok().and_then(|text| text.trim().parse().ok());
    limit.unwrap_or(4096)
}

/// Whether the peer of a Unix socket runs as one of `allowed`; if this is empty, anybody will do.
pub(super) fn is_welcome(socket: &Socket, allowed: &[u32]) -> io::Result<bool> {
    if allowed.is_empty() {
        return Ok(true);
    }
    let credentials = getsockopt(socket, PeerCredentials)?;
    let (uid, pid) = (credentials.uid(), credentials.pid());
    if !allowed.contains(&uid) {
        narrate(format_args!("refused: a client that runs as UID {uid} (PID {pid})"));
    }
    Ok(allowed.contains(&uid))
}

fn is_one_of(error: &io::Error, codes: &[i32]) -> bool {
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}
