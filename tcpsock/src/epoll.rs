//! Who waits for a socket sleeps in epoll_wait(2), until the kernel tells of an arrival: nobody tries again in the
//! meantime.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 ("EAGAIN"). Go: its network poller. Man: epoll(7), epoll_wait(2).

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;

use anyhow::bail;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use serde_json::{Value, json};
use shared::harness::claims::{Check, Seen};
use shared::linux::readiness::{self, Ready};
use socket2::Socket;

use crate::asleep::Sleeper;
use crate::experiment::connection;

pub const CHECKS: &[Check] = &[(173, one_tries_again_later)];

const ARRIVALS: u64 = 8;

/// A thread answers what comes: the next is sent only when it has been answered and the thread sleeps again.
pub fn sleeps_until_told(server: Socket, mut client: &Socket) -> anyhow::Result<Value> {
    let sleeper = Sleeper::in_call(move || answer_arrivals(&server))?;
    for _ in 0..ARRIVALS {
        sleeper.wait_for_sleep()?;
        client.write_all(b".")?;
        client.read_exact(&mut [0])?;
    }
    let (waits, eagain) = sleeper.awake()??;
    Ok(json!({
        "call": "epoll_wait", "registrations": 1, "arrivals": ARRIVALS, "waits": waits, "eagain": eagain,
        "note": "try again a little later", "claim": 173,
    }))
}

// ANCHOR: arrivals
/// How often it waited, and how often a read came too early.
fn answer_arrivals(server: &Socket) -> anyhow::Result<(u64, u64)> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1));
    watch(&poll, server, Token(0), Interest::READABLE)?;
    let (mut answered, mut waits, mut eagain) = (0, 0, 0);
    while answered < ARRIVALS {
        match readiness::read(server, &mut [0; 16])? {
            Ready::Done(0) => bail!("read: unexpected EOF"),
            Ready::Done(_) => {
                answered += 1;
                readiness::write(server, b"!")?;
            }
            Ready::NotYet => {
                eagain += 1;
                readiness::wait(&mut poll, &mut events, None)?;
                waits += 1;
            }
        }
    }
    Ok((waits, eagain))
}
// ANCHOR_END: arrivals

fn one_tries_again_later() -> anyhow::Result<Seen> {
    let (client, server) = connection()?;
    server.set_nonblocking(true)?;
    let told = sleeps_until_told(server, &client)?;
    let never_in_vain = told["waits"] == told["arrivals"] && told["eagain"] == told["arrivals"];
    let evidence = format!(
        "arrivals: {}; reads that answered EAGAIN: {}, each before a wait in epoll_wait(2): {}",
        told["arrivals"], told["eagain"], told["waits"]
    );
    Ok(Seen::imprecise(told["eagain"] != 0, never_in_vain, evidence))
}

pub fn watch(poll: &Poll, socket: &Socket, token: Token, interest: Interest) -> io::Result<()> {
    poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), token, interest)
}

pub fn next_events(poll: &mut Poll) -> io::Result<Events> {
    let mut events = Events::with_capacity(2);
    while events.is_empty() {
        readiness::wait(poll, &mut events, None)?;
    }
    Ok(events)
}
