//! Who waits for a socket sleeps in epoll_wait(2), until the kernel tells of an arrival: nobody tries again in the
//! meantime.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 ("EAGAIN"). Go: its network poller. Man: epoll(7), epoll_wait(2).

use std::io::{Read, Write};
use std::os::fd::AsRawFd;

use anyhow::{Context, bail};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use serde::Serialize;
use shared::linux::readiness::{self, Ready};
use socket2::Socket;

use crate::experiment::{Noted, noted};
use crate::sleeper::Sleeper;

const ARRIVALS: u64 = 8;

/// Of a thread that answers each arrival.
#[derive(Serialize)]
#[serde(tag = "call", rename = "epoll_wait")]
pub struct Sleep {
    registrations: u64,
    pub arrivals: u64,
    pub waits: u64,
    pub eagain: u64,
    #[serde(flatten)]
    noted: Noted,
}

/// A thread answers what comes: the next is sent only when it has been answered and the thread sleeps again.
pub fn sleeps_until_told(server: Socket, mut client: &Socket) -> anyhow::Result<Sleep> {
    let mut sleeper = Sleeper::in_call(move || answer_arrivals(&server))?;
    for _ in 0..ARRIVALS {
        sleeper = sleeper.asleep()?;
        client.write_all(b".").context("write, the client's end")?;
        client.read_exact(&mut [0]).context("read, the client's end")?;
    }
    let (waits, eagain) = sleeper.awake()?;
    let noted = noted("try again a little later", 173);
    Ok(Sleep { registrations: 1, arrivals: ARRIVALS, waits, eagain, noted })
}

// ANCHOR: arrivals
/// How often it waited, and how often a read came too early.
fn answer_arrivals(server: &Socket) -> anyhow::Result<(u64, u64)> {
    let mut poll = Poll::new().context("epoll_create")?;
    watch(&poll, server, Token(0), Interest::READABLE)?;
    let (mut answered, mut waits, mut eagain) = (0, 0, 0);
    while answered < ARRIVALS {
        match readiness::read(server, &mut [0; 16]).context("read, the server's end")? {
            Ready::Done(0) => bail!("read, the server's end: unexpected EOF"),
            Ready::Done(_) => {
                answered += 1;
                readiness::write(server, b"!").context("write, the server's end")?;
            }
            Ready::NotYet => {
                eagain += 1;
                next_events(&mut poll)?;
                waits += 1;
            }
        }
    }
    Ok((waits, eagain))
}
// ANCHOR_END: arrivals

pub fn watch(poll: &Poll, socket: &Socket, token: Token, interest: Interest) -> anyhow::Result<()> {
    poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), token, interest).context("epoll_ctl")
}

/// Waits until there are events; a signal is none.
pub fn next_events(poll: &mut Poll) -> anyhow::Result<Events> {
    let mut events = Events::with_capacity(2);
    while events.is_empty() {
        readiness::wait(poll, &mut events, None).context("epoll_wait")?;
    }
    Ok(events)
}
