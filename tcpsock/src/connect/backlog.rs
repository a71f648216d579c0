//! A listener that accepts nobody: the kernel connects clients all the same, as many as its backlog holds.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (Accept). Go: `net.Listener.Accept`. Man: listen(2), accept(2).

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::thread;

use anyhow::Context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;
use shared::linux::answer::Outcome;
use shared::linux::readiness::{Ready, nonblocking};
use socket2::{SockAddr, Socket};

use crate::experiment::{Noted, noted};
use crate::loopback::{self, connect, listen, stream};
use crate::socket_info::{dropped, queued};

/// A listener whose backlog is full: it holds one connection more than it says.
pub struct Full {
    pub listener: Socket,
    clients: Vec<Socket>,
}

impl Full {
    // ANCHOR: full
    pub fn new(backlog: i32) -> anyhow::Result<Full> {
        let mut full = Full { listener: listen(backlog)?, clients: Vec::new() };
        full.listener.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
        for nth in 1..=u32::try_from(backlog)? + 1 {
            let client = stream()?;
            connect(&client, &full.address()?)?;
            full.clients.push(client);
            // Connected for the client, it may still be on its way to the queue.
            while queued(&full.listener)? < nth {
                thread::yield_now();
            }
        }
        Ok(full)
    }
    // ANCHOR_END: full

    pub fn address(&self) -> anyhow::Result<SockAddr> {
        loopback::address(&self.listener)
    }

    fn accept(&self) -> anyhow::Result<Option<Socket>> {
        let accepted = nonblocking("accept", &self.listener, || self.listener.accept()).context("accept")?;
        Ok(if let Ready::Done((socket, _)) = accepted { Some(socket) } else { None })
    }
}

/// Clients of a listener before it accepts, and after.
#[derive(Serialize)]
#[serde(tag = "step", rename = "backlog")]
pub struct Queue {
    pub accept_with_nobody_there: Outcome,
    pub backlog: i32,
    pub connected: usize,
    pub sent: usize,
    next_connect: Outcome,
    pub next_is_connected: bool,
    accepted_then: usize,
    pub received: usize,
    #[serde(flatten)]
    noted: Noted,
}

/// Nobody accepts; the client that comes when the queue is full is not heard.
pub fn connections_nobody_has_accepted() -> anyhow::Result<Queue> {
    const BACKLOG: i32 = 2;
    let accept_with_nobody_there = accept_with_nobody_there()?;
    let mut full = Full::new(BACKLOG)?;
    let mut sent = 0;
    for client in &mut full.clients {
        sent += client.write(b"early").context("write, not accepted yet")?;
    }
    let next = stream()?;
    next.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
    let next_connect = Outcome::of(next.connect(&full.address()?).map(|()| 0)).context("connect")?;
    while dropped(&full.listener)? == 0 && !is_writable(&next)? {
        thread::yield_now();
    }
    let next_is_connected = is_connected(&next)?;

    let (mut accepted_then, mut received) = (0, 0);
    while accepted_then < full.clients.len()
        && let Some(mut socket) = full.accept()?
    {
        received += socket.read(&mut [0; 16]).context("read, just accepted")?;
        accepted_then += 1;
    }
    Ok(Queue {
        accept_with_nobody_there,
        backlog: BACKLOG,
        connected: full.clients.len(),
        sent,
        next_connect,
        next_is_connected,
        accepted_then,
        received,
        noted: noted("Accept waits for a client, and then the connection is made", 164),
    })
}

fn accept_with_nobody_there() -> anyhow::Result<Outcome> {
    let empty = listen(1)?;
    empty.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
    Outcome::of(empty.accept().map(|_| 0)).context("accept")
}

fn is_writable(socket: &impl AsFd) -> anyhow::Result<bool> {
    let ready = poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)], PollTimeout::ZERO);
    Ok(ready.context("poll")? > 0)
}

fn is_connected(socket: &Socket) -> anyhow::Result<bool> {
    match socket.peer_addr() {
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
        address => address.map(|_| true).context("getpeername"),
    }
}
