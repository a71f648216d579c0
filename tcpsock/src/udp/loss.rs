//! A receiver that does not read: UDP drops what its buffer does not hold, the Unix domain makes the sender wait.
//!
//! Note: Socket的基本特征 (数据报). Go: `net.ListenPacket`. Man: SO_RCVBUF and SO_MEMINFO in socket(7), unix(7).

use std::os::unix::net::UnixDatagram;

use anyhow::Context;
use nix::errno::Errno;
use shared::linux::answer::Outcome;
use shared::linux::readiness::{Ready, nonblocking};

use crate::experiment::record;
use crate::loopback::{End, udp};
use crate::socket_info::dropped;

/// Far more than the smallest receive buffer holds.
pub const FLOOD: usize = 1000;

record!("loss", Loss { sent: usize, received: usize, dropped_by_kernel: usize });

pub fn a_full_buffer_loses_messages(sent: usize) -> anyhow::Result<Loss> {
    let (source, sink) = (udp()?, udp()?);
    sink.set_nonblocking()?;
    let (received, dropped_by_kernel) = flood(&source, &sink, sent)?;
    Ok(Loss { sent, received, dropped_by_kernel })
}

/// How many of so many messages are received, and how many the kernel drops.
pub fn flood(source: &End, sink: &End, messages: usize) -> anyhow::Result<(usize, usize)> {
    sink.called("SO_RCVBUF", sink.socket.set_recv_buffer_size(4096))?;
    let address = sink.address()?;
    for _ in 0..messages {
        source.send_to("did you hear that?", &address)?;
    }
    // What is neither received nor dropped by then is still on its way.
    let (mut received, mut dropped_by_kernel) = (0, 0);
    while received + dropped_by_kernel < messages {
        while let Ready::Done(_) = sink.read_now(&mut [0; 100])? {
            received += 1;
        }
        dropped_by_kernel = dropped(sink)?;
    }
    Ok((received, dropped_by_kernel))
}

record!("unixgram", Queue { sent: usize, next_send: Outcome, received: usize, in_order: usize });

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
    let next_send = Outcome::Failed(Errno::EAGAIN);
    Ok(Queue { sent, next_send, received, in_order })
}
