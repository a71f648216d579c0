//! A receiver that does not read: UDP drops what its buffer does not hold, the Unix domain makes the sender wait.
//!
//! Note: Socket的基本特征 (数据报). Go: `net.ListenPacket`. Man: SO_RCVBUF and SO_MEMINFO in socket(7), unix(7).

use std::os::unix::net::UnixDatagram;

use anyhow::Context;
use nix::errno::Errno;
use serde::Serialize;
use shared::linux::answer::Outcome;
use shared::linux::readiness::{Ready, nonblocking};
use socket2::SockRef;

use super::bound::Bound;
use crate::experiment::{Noted, noted};
use crate::socket_info::dropped;

/// Far more than the smallest receive buffer holds.
pub const FLOOD: usize = 1000;

#[derive(Serialize)]
#[serde(tag = "step", rename = "loss")]
pub struct Loss {
    pub sent: usize,
    pub received: usize,
    pub dropped_by_kernel: usize,
}

pub fn a_full_buffer_loses_messages(flood: usize) -> anyhow::Result<Loss> {
    let (source, sink) = (Bound::new()?, Bound::new()?);
    let address = sink.address()?;
    sink.0.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
    SockRef::from(&sink.0).set_recv_buffer_size(4096).context("SO_RCVBUF")?;
    for _ in 0..flood {
        source.send_to("did you hear that?", address)?;
    }
    // What is neither received nor dropped by then is still on its way.
    let (mut received, mut dropped_by_kernel) = (0, 0);
    while received + dropped_by_kernel < flood {
        while let Ready::Done(_) = nonblocking("recv", &sink.0, || sink.0.recv(&mut [0; 100])).context("recv, UDP")? {
            received += 1;
        }
        dropped_by_kernel = dropped(&sink.0)?;
    }
    Ok(Loss { sent: flood, received, dropped_by_kernel })
}

#[derive(Serialize)]
#[serde(tag = "step", rename = "unixgram")]
pub struct Queue {
    pub sent: usize,
    pub then: Outcome,
    pub received: usize,
    pub in_order: usize,
    #[serde(flatten)]
    noted: Noted,
}

pub fn in_the_unix_domain_the_sender_waits() -> anyhow::Result<Queue> {
    let (source, sink) = UnixDatagram::pair().context("socketpair AF_UNIX SOCK_DGRAM")?;
    source.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
    sink.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
    let mut sent = 0_usize;
    while let Ready::Done(_) =
        nonblocking("send", &source, || source.send(&sent.to_ne_bytes())).context("send, unixgram")?
    {
        sent += 1;
    }
    let (mut message, mut received, mut in_order) = ([0; size_of::<usize>()], 0, 0);
    while let Ready::Done(_) = nonblocking("recv", &sink, || sink.recv(&mut message)).context("recv, unixgram")? {
        in_order += usize::from(usize::from_ne_bytes(message) == received);
        received += 1;
    }
    let then = Outcome::Failed(Errno::EAGAIN);
    Ok(Queue { sent, then, received, in_order, noted: noted("datagrams may be lost, and come in any order", 145) })
}
