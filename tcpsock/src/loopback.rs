//! Sockets over loopback, for the experiments. A call that must succeed says in its error whose it was and which; a
//! call whose failure is to be seen has an outcome.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: `net.Conn`. Man: tcp(7), recv(2), send(2).

pub mod interface;

use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::Context;
use nix::poll::PollFlags;
use shared::linux::answer::Outcome;
use shared::linux::readiness::await_event;
use socket2::{Domain, SockAddr, Socket, Type};

/// One end of a TCP connection.
#[derive(Debug)]
pub struct End {
    name: &'static str,
    pub socket: Socket,
}

/// The client's end and the server's.
pub fn connection() -> anyhow::Result<(End, End)> {
    let listener = listen(1)?;
    let client = stream()?;
    connect(&client, &address(&listener)?)?;
    let (server, _) = listener.accept().context("accept 127.0.0.1")?;
    Ok((End { name: "client", socket: client }, End { name: "server", socket: server }))
}

/// A TCP socket that listens on a free port of loopback.
pub fn listen(backlog: i32) -> anyhow::Result<Socket> {
    interface::needed()?;
    let listener = stream()?;
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).context("bind 127.0.0.1:0")?;
    listener.listen(backlog).context("listen 127.0.0.1:0")?;
    Ok(listener)
}

/// A TCP socket that is not connected yet.
pub fn stream() -> anyhow::Result<Socket> {
    Socket::new(Domain::IPV4, Type::STREAM, None).context("socket AF_INET SOCK_STREAM")
}

pub fn connect(socket: &Socket, to: &SockAddr) -> anyhow::Result<()> {
    socket.connect(to).with_context(|| format!("connect {}", shared::linux::endpoint::shown(to)))
}

/// getsockname(2).
pub fn address(socket: &Socket) -> anyhow::Result<SockAddr> {
    socket.local_addr().context("getsockname")
}

impl End {
    /// Named in errors as the call of this end.
    fn called<T>(&self, call: &str, result: io::Result<T>) -> anyhow::Result<T> {
        result.with_context(|| format!("{call}, the {}'s end", self.name))
    }

    pub fn write(&self, bytes: &[u8]) -> anyhow::Result<usize> {
        self.called("write", (&self.socket).write(bytes))
    }

    pub fn read(&self, buffer: &mut [u8]) -> anyhow::Result<usize> {
        self.called("read", (&self.socket).read(buffer))
    }

    /// Waits until something has come, and leaves it there.
    pub fn peek(&self) -> anyhow::Result<usize> {
        self.called("recv MSG_PEEK", self.socket.peek(&mut [MaybeUninit::uninit(); 16]))
    }

    /// What a write comes to.
    pub fn try_write(&self, bytes: &[u8]) -> anyhow::Result<Outcome> {
        self.called("write", Outcome::of((&self.socket).write(bytes)))
    }

    /// What a read comes to.
    pub fn try_read(&self) -> anyhow::Result<Outcome> {
        self.called("read", Outcome::of((&self.socket).read(&mut [0; 16])))
    }

    pub fn shutdown(&self, how: Shutdown) -> anyhow::Result<()> {
        self.called("shutdown", self.socket.shutdown(how))
    }

    /// The same socket by another descriptor.
    pub fn duplicate(&self) -> anyhow::Result<End> {
        Ok(End { name: self.name, socket: self.called("dup", self.socket.try_clone())? })
    }
}

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Waits until the kernel has an error for the socket, which it keeps for the next call.
pub fn wait_for_error(socket: &impl AsFd) -> anyhow::Result<()> {
    await_event(socket, PollFlags::empty(), None).context("poll")
}
