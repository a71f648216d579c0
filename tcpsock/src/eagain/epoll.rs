//! Who waits for a socket sleeps in epoll_wait(2), until the kernel tells of an arrival: nobody tries again in the
//! meantime.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 ("EAGAIN"). Go: its network poller. Man: epoll(7), epoll_wait(2).

use std::os::fd::AsRawFd;

use anyhow::{Context, bail};
use mio::unix::SourceFd;
use mio::{Interest, Poll, Token};
use serde::Serialize;
use shared::linux::readiness::{self, Ready};

use crate::loopback::End;
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
}

/// A thread answers what comes: the next is sent only when it has been answered and the thread sleeps again.
pub fn sleeps_until_told(server: End, client: &End) -> anyhow::Result<Sleep> {
    let mut sleeper = Sleeper::in_call(move || answer_arrivals(&server))?;
    for _ in 0..ARRIVALS {
        sleeper = sleeper.asleep()?;
        client.write(b".")?;
        client.read(&mut [0])?;
    }
    let (waits, eagain) = sleeper.awake()?;
    Ok(Sleep { registrations: 1, arrivals: ARRIVALS, waits, eagain })
}

/// How often it waited, and how often a read came too early.
fn answer_arrivals(server: &End) -> anyhow::Result<(u64, u64)> {
    let mut events = Events::of(&[(server, Interest::READABLE)])?;
    let (mut answered, mut waits, mut eagain) = (0, 0, 0);
    // ANCHOR: arrivals
    while answered < ARRIVALS {
        match server.read_now(&mut [0; 16])? {
            Ready::Done(0) => bail!("read, the server's end: unexpected EOF"),
            Ready::Done(_) => {
                answered += 1;
                server.write(b"!")?;
            }
            Ready::NotYet => {
                eagain += 1;
                events.next()?;
                waits += 1;
            }
        }
    }
    // ANCHOR_END: arrivals
    Ok((waits, eagain))
}

/// What epoll tells of sockets.
pub struct Events {
    poll: Poll,
    events: mio::Events,
}

impl Events {
    /// Each socket's token is its place among them.
    pub fn of(sockets: &[(&End, Interest)]) -> anyhow::Result<Events> {
        let poll = Poll::new().context("epoll_create")?;
        for (nth, (end, interest)) in sockets.iter().enumerate() {
            let mut source = SourceFd(&end.socket.as_raw_fd());
            end.called("epoll_ctl", poll.registry().register(&mut source, Token(nth), *interest))?;
        }
        Ok(Events { poll, events: mio::Events::with_capacity(2) })
    }

    /// Waits until there are some.
    pub fn next(&mut self) -> anyhow::Result<&mio::Events> {
        readiness::await_events(&mut self.poll, &mut self.events, None).context("epoll_wait")?;
        Ok(&self.events)
    }
}
