//! Sockets over loopback, for the experiments. A call that must succeed says in its error whose it was and which; of a
//! call whose failure is to be seen, `try_…` is the outcome.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: `net.Conn`. Man: tcp(7), udp(7), recv(2), send(2).

pub mod interface;

use std::fmt;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use anyhow::Context;
use nix::libc;
use nix::poll::PollFlags;
use nix::sys::socket::{SockaddrIn, recvfrom};
use shared::linux::answer::Outcome;
use shared::linux::endpoint::shown;
use shared::linux::readiness::{self, Ready, Returned, await_event};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// A socket, with the name that it has in errors.
#[derive(Debug)]
pub struct End {
    name: &'static str,
    pub socket: Socket,
}

/// The client's end of a connection, and the server's.
pub fn connection() -> anyhow::Result<(End, End)> {
    connection_of(None)
}

/// The same, of another protocol than TCP.
pub fn connection_of(protocol: Option<Protocol>) -> anyhow::Result<(End, End)> {
    let listener = listen_by(1, protocol)?;
    let client = stream_by(protocol)?;
    client.connect(&listener.address()?)?;
    let server = listener.accept()?;
    Ok((client, server))
}

/// A TCP socket that listens on a free port.
pub fn listen(backlog: i32) -> anyhow::Result<End> {
    listen_by(backlog, None)
}

fn listen_by(backlog: i32, protocol: Option<Protocol>) -> anyhow::Result<End> {
    let listener = End::bound("the listener", Type::STREAM, protocol)?;
    listener.called("listen", listener.socket.listen(backlog))?;
    Ok(listener)
}

/// A TCP socket that is not connected yet.
pub fn stream() -> anyhow::Result<End> {
    stream_by(None)
}

fn stream_by(protocol: Option<Protocol>) -> anyhow::Result<End> {
    End::new("the client's end", Domain::IPV4, Type::STREAM, protocol)
}

/// A UDP socket on a free port.
pub fn udp() -> anyhow::Result<End> {
    End::bound("UDP", Type::DGRAM, None)
}

impl End {
    pub fn new(name: &'static str, domain: Domain, kind: Type, protocol: Option<Protocol>) -> anyhow::Result<End> {
        let socket = Socket::new(domain, kind, protocol).with_context(|| format!("socket {domain:?} {kind:?}"))?;
        Ok(End { name, socket })
    }

    /// socketpair(2), in the Unix domain.
    pub fn pair(kind: Type) -> anyhow::Result<(End, End)> {
        let (one, other) = Socket::pair(Domain::UNIX, kind, None).with_context(|| format!("socketpair {kind:?}"))?;
        Ok((End { name: "one end", socket: one }, End { name: "the other end", socket: other }))
    }

    fn bound(name: &'static str, kind: Type, protocol: Option<Protocol>) -> anyhow::Result<End> {
        interface::needed()?;
        let end = End::new(name, Domain::IPV4, kind, protocol)?;
        end.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        Ok(end)
    }

    /// Named in errors as the call of this end.
    pub fn called<T>(&self, call: impl fmt::Display, result: io::Result<T>) -> anyhow::Result<T> {
        result.with_context(|| format!("{call}, {}", self.name))
    }

    pub fn bind(&self, to: &SockAddr) -> anyhow::Result<()> {
        self.called(format_args!("bind {}", shown(to)), self.socket.bind(to))
    }

    pub fn connect(&self, to: &SockAddr) -> anyhow::Result<()> {
        self.called(format_args!("connect {}", shown(to)), self.socket.connect(to))
    }

    pub fn try_connect(&self, to: &SockAddr) -> anyhow::Result<Outcome> {
        self.called(format_args!("connect {}", shown(to)), Outcome::succeeds(self.socket.connect(to)))
    }

    pub fn accept(&self) -> anyhow::Result<End> {
        let (socket, _) = self.called("accept", self.socket.accept())?;
        Ok(End { name: "the server's end", socket })
    }

    /// Of a socket that does not block.
    pub fn accept_now(&self) -> anyhow::Result<Ready<End>> {
        let accept = || Ok(End { name: "the server's end", socket: self.socket.accept()?.0 });
        self.called("accept", readiness::nonblocking("accept", &self.socket, accept))
    }

    /// getsockname(2).
    pub fn address(&self) -> anyhow::Result<SockAddr> {
        self.called("getsockname", self.socket.local_addr())
    }

    pub fn peer(&self) -> anyhow::Result<SockAddr> {
        self.called("getpeername", self.socket.peer_addr())
    }

    pub fn set_nonblocking(&self) -> anyhow::Result<()> {
        self.called("fcntl O_NONBLOCK", self.socket.set_nonblocking(true))
    }

    pub fn write(&self, bytes: &[u8]) -> anyhow::Result<usize> {
        self.called("write", (&self.socket).write(bytes))
    }

    pub fn read(&self, buffer: &mut [u8]) -> anyhow::Result<usize> {
        self.called("read", (&self.socket).read(buffer))
    }

    pub fn try_write(&self, bytes: &[u8]) -> anyhow::Result<Outcome> {
        self.called("write", Outcome::of((&self.socket).write(bytes)))
    }

    pub fn try_read(&self) -> anyhow::Result<Outcome> {
        self.called("read", Outcome::of((&self.socket).read(&mut [0; 16])))
    }

    /// Of a socket that does not block.
    pub fn write_now(&self, bytes: &[u8]) -> anyhow::Result<Ready<usize>> {
        self.called("write", readiness::write(&self.socket, bytes))
    }

    /// Of a socket that does not block.
    pub fn read_now(&self, buffer: &mut [u8]) -> anyhow::Result<Ready<usize>> {
        self.called("read", readiness::read(&self.socket, buffer))
    }

    /// Waits until something has come, and leaves it there.
    pub fn peek(&self) -> anyhow::Result<usize> {
        self.called("recv MSG_PEEK", self.socket.peek(&mut [MaybeUninit::uninit(); 16]))
    }

    /// Waits until so many bytes have come, or one message, and leaves them there.
    pub fn peek_all(&self, bytes: usize) -> anyhow::Result<usize> {
        let mut buffer = vec![MaybeUninit::uninit(); bytes];
        let flags = libc::MSG_PEEK | libc::MSG_WAITALL;
        self.called("recv MSG_PEEK", self.socket.recv_with_flags(&mut buffer, flags))
    }

    pub fn send_to(&self, message: &str, to: &SockAddr) -> anyhow::Result<usize> {
        self.called(format_args!("sendto {}", shown(to)), self.socket.send_to(message.as_bytes(), to))
    }

    /// A message, and from whom it is.
    pub fn receive(&self) -> anyhow::Result<(String, SockAddr)> {
        let mut buffer = [0; 100];
        let received = recvfrom::<SockaddrIn>(self.socket.as_raw_fd(), &mut buffer).map_err(io::Error::from);
        let (count, from) = self.called("recvfrom", received)?;
        let from = SocketAddrV4::from(from.context("recvfrom: a sender without an address")?);
        Ok((String::from_utf8_lossy(&buffer[..count]).into_owned(), from.into()))
    }

    pub fn shutdown(&self, how: Shutdown) -> anyhow::Result<()> {
        self.called("shutdown", self.socket.shutdown(how))
    }

    /// The same socket by another descriptor.
    pub fn duplicate(&self) -> anyhow::Result<End> {
        Ok(End { name: self.name, socket: self.called("dup", self.socket.try_clone())? })
    }

    /// Waits until the kernel has an error for the socket, which it keeps for the next call.
    pub fn wait_for_error(&self) -> anyhow::Result<()> {
        self.called("poll", await_event(&self.socket, PollFlags::empty(), None))
    }
}

/// As accept(2) returns it.
impl Returned for End {
    fn returned(&self) -> i64 {
        self.socket.as_raw_fd().into()
    }
}

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
