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
    source.connect(&sink.address()?)?;
    let (received, dropped_by_kernel) = flood(&source, &sink, 0, sent)?;
    Ok(Loss { sent, received: received.len(), dropped_by_kernel })
}

/// Of so many numbers those that are received, each behind a header, and how many messages the kernel drops. The reader
/// begins when all are written, or the writer must wait.
pub fn flood(writer: &End, reader: &End, header: usize, messages: usize) -> anyhow::Result<(Vec<usize>, usize)> {
    // A connection drops nothing for good.
    let connected = reader.socket.peer_addr().is_ok();
    if !connected {
        reader.called("SO_RCVBUF", reader.socket.set_recv_buffer_size(4096))?;
    }
    writer.set_nonblocking()?;
    reader.set_nonblocking()?;
    let (mut sent, mut bytes, mut dropped_by_kernel) = (0_usize, Vec::new(), 0);
    // What is neither received nor dropped by then is still on its way.
    while bytes.len() / size_of::<usize>() + dropped_by_kernel < messages {
        while sent < messages && matches!(writer.write_now(&sent.to_ne_bytes())?, Ready::Done(_)) {
            sent += 1;
        }
        let mut buffer = [0; 4096];
        while let Ready::Done(count) = reader.read_now(&mut buffer)? {
            bytes.extend_from_slice(buffer[..count].get(header..).unwrap_or_default());
        }
        dropped_by_kernel = if connected { 0 } else { dropped(reader)? };
    }
    let (numbers, _) = bytes.as_chunks();
    Ok((numbers.iter().map(|number| usize::from_ne_bytes(*number)).collect(), dropped_by_kernel))
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
