//! A listener that accepts nobody: the kernel connects clients all the same, as many as its backlog holds.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (Accept). Go: `net.Listener.Accept`. Man: listen(2), accept(2).

use std::io::ErrorKind;
use std::thread;

use nix::poll::PollFlags;
use shared::linux::answer::Outcome;
use shared::linux::readiness::{Ready, is_ready};

use crate::experiment::record;
use crate::loopback::{End, listen, stream};
use crate::socket_info::{dropped, queued};

/// A listener whose backlog is full: it holds one connection more than it says.
pub struct Full {
    pub listener: End,
    pub clients: Vec<End>,
}

impl Full {
    // ANCHOR: full
    pub fn new(backlog: i32) -> anyhow::Result<Full> {
        let mut full = Full { listener: listen(backlog)?, clients: Vec::new() };
        full.listener.set_nonblocking()?;
        for nth in 1..=u32::try_from(backlog)? + 1 {
            let client = stream()?;
            client.connect(&full.listener.address()?)?;
            full.clients.push(client);
            // Connected for the client, it may still be on its way to the queue.
            while queued(&full.listener)? < nth {
                thread::yield_now();
            }
        }
        Ok(full)
    }
    // ANCHOR_END: full
}

// Clients of a listener before it accepts, and after.
record! { "backlog", Queue {
    accept_with_nobody_there: Outcome,
    backlog: i32,
    connected: usize,
    sent: usize,
    next_connect: Outcome,
    next_is_connected: bool,
    accepted_then: usize,
    received: usize,
} }

/// Nobody accepts; the client that comes when the queue is full is not heard.
pub fn connections_nobody_has_accepted() -> anyhow::Result<Queue> {
    const BACKLOG: i32 = 2;
    let accept_with_nobody_there = accept_with_nobody_there()?;
    let full = Full::new(BACKLOG)?;
    let mut sent = 0;
    for client in &full.clients {
        sent += client.write(b"early")?;
    }
    let next = stream()?;
    next.set_nonblocking()?;
    let next_connect = next.try_connect(&full.listener.address()?)?;
    while dropped(&full.listener)? == 0 && !next.called("poll", is_ready(&next, PollFlags::POLLOUT))? {
        thread::yield_now();
    }
    let next_is_connected = is_connected(&next)?;

    let (mut accepted_then, mut received) = (0, 0);
    while accepted_then < full.clients.len()
        && let Ready::Done(server) = full.listener.accept_now()?
    {
        received += server.read(&mut [0; 16])?;
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
    })
}

fn accept_with_nobody_there() -> anyhow::Result<Outcome> {
    let empty = listen(1)?;
    empty.set_nonblocking()?;
    empty.called("accept", Outcome::succeeds(empty.socket.accept()))
}

fn is_connected(end: &End) -> anyhow::Result<bool> {
    match end.socket.peer_addr() {
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
        address => end.called("getpeername", address.map(|_| true)),
    }
}
