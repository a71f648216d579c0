//! accept(2) until EAGAIN, and what to do when no descriptor is left.
//!
//! After EMFILE, ENFILE, ENOBUFS or ENOMEM the client stays in the kernel's backlog and no new edge
//! comes, even when descriptors are free again. To go on trying would spin, to wait for an edge would
//! be deaf: so the next close tries again, and a timer, for descriptors that others give back.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (Accept). Go: `net.Listener.Accept`. Man: accept(2).

use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Interest, Poll, Token};
use nix::libc;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use socket2::Socket;

use super::connection::Connection;
use super::{Reactor, Service};
use crate::linux::readiness::{Ready, nonblocking};
use crate::linux::stdio::narrate;

/// How long to wait for descriptors that something else gives back.
const RETRY: Duration = Duration::from_millis(100);

/// So many at one time: a flood of connects must not keep those from their turns that are connected.
const AT_ONCE: usize = 256;

/// The connection failed before it was accepted; accept(2) advises to take these as `EAGAIN`.
const OF_THE_PEER: [i32; 11] = [
    libc::ECONNABORTED,
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

/// Nothing is left to make a connection of, or to watch one with (`ENOSPC` of epoll_ctl(2)).
const EXHAUSTED: [i32; 5] = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::ENOSPC];

/// The listening socket and whether it may be used now.
#[derive(Debug)]
pub(super) struct Accepting {
    /// None once the server has stopped to accept.
    listener: Option<Socket>,
    pause: Pause,
}

#[derive(Debug, PartialEq)]
enum Pause {
    None,
    /// Nothing can be accepted before a connection is closed.
    Full,
    /// Nor before then, perhaps: what is missing may come from elsewhere.
    Until(Instant),
}

impl Accepting {
    pub(super) fn new(listener: Socket) -> Accepting {
        Accepting { listener: Some(listener), pause: Pause::None }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.pause != Pause::None
    }

    pub(super) fn next_retry(&self) -> Option<Instant> {
        if let Pause::Until(time) = self.pause { Some(time) } else { None }
    }

    pub(super) fn retries_by(&self, now: Instant) -> bool {
        self.next_retry().is_some_and(|time| time <= now)
    }

    /// Closes the listening socket.
    pub(super) fn stop(&mut self, poll: &Poll) -> io::Result<()> {
        self.pause = Pause::None;
        // The descriptor may be shared with other reactors: closing it would not end the registration.
        self.listener.take().map_or(Ok(()), |listener| poll.registry().deregister(&mut SourceFd(&listener.as_raw_fd())))
    }
}

impl<S: Service> Reactor<'_, S> {
    /// Accepts until the backlog is empty or nothing more can be taken.
    pub(super) fn accept(&mut self, now: Instant) -> io::Result<()> {
        self.accepting.pause = Pause::None;
        for _ in 0..AT_ONCE {
            if self.connections.len() >= self.options.max_connections {
                self.accepting.pause = Pause::Full;
                return Ok(());
            }
            match self.accept_one() {
                Ok(Ready::Done(())) => {}
                Ok(Ready::NotYet) => return Ok(()),
                Err(error) if is_one_of(&error, &OF_THE_PEER) => {}
                Err(error) if is_one_of(&error, &EXHAUSTED) => {
                    self.accepting.pause = Pause::Until(now + RETRY);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.accepting.pause = Pause::Until(now);
        Ok(())
    }

    fn accept_one(&mut self) -> io::Result<Ready<()>> {
        let Some(listener) = &self.accepting.listener else { return Ok(Ready::NotYet) };
        let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        match nonblocking("accept", listener, || listener.accept4(flags))? {
            Ready::Done((socket, _)) => self.welcome(socket).map(Ready::Done),
            Ready::NotYet => Ok(Ready::NotYet),
        }
    }

    fn welcome(&mut self, socket: Socket) -> io::Result<()> {
        if !self.options.allow_uid.is_empty() {
            let credentials = getsockopt(&socket, PeerCredentials)?;
            if !self.options.allow_uid.contains(&credentials.uid()) {
                let (uid, pid) = (credentials.uid(), credentials.pid());
                narrate(format_args!("refused: a client that runs as UID {uid} (PID {pid})"));
                return Ok(());
            }
        }
        let entry = self.connections.vacant_entry();
        let peer = entry.key();
        self.poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), Token(peer), Interest::READABLE)?;
        self.desk.service.established(peer, &socket);
        entry.insert(Connection::new(socket, self.desk.now));
        self.deadlines.watch(self.desk.now);
        self.counts.connections += 1;
        Ok(())
    }
}

fn is_one_of(error: &io::Error, codes: &[i32]) -> bool {
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}
