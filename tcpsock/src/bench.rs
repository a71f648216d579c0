//! How fast TCP and UDP are over loopback, with blocking calls and under mio's event loop.
//!
//! Note: Socket的基本特征, beside "共享内存…最快的一种IPC方法". Go: `testing.B`. Man: tcp(7), udp(7).

use std::fs::File;

use anyhow::Context;
use shared::harness::bench::descriptors::{ANY, blocking, event_loop, sockets};
use shared::harness::bench::{Mechanism, Meeting, OneWay, SIZES, Side};
use socket2::Socket;

use crate::loopback;

pub static MECHANISMS: [Mechanism; 4] = [
    tcp("tcp", || sockets(tcp_pair()?, blocking::<ANY>), blocking::<ANY>),
    tcp("tcp, mio", || sockets(tcp_pair()?, event_loop::<ANY>), event_loop::<ANY>),
    udp("udp", || sockets(udp_pair()?, blocking::<HALF>), blocking::<HALF>),
    udp("udp, mio", || sockets(udp_pair()?, event_loop::<HALF>), event_loop::<HALF>),
];

/// A datagram cannot have 64 KiB: such a message is two.
const HALF: usize = 32 << 10;

/// As much as the kernel gives everybody, which is twice net.core.rmem_max.
const RECEIVE_BUFFER: usize = 416 << 10;

type Meet = fn() -> anyhow::Result<Meeting>;
type Join = fn(File, File) -> anyhow::Result<Box<dyn Side>>;

const fn tcp(name: &'static str, meet: Meet, join: Join) -> Mechanism {
    Mechanism { name, sizes: SIZES, one_way: OneWay::Waits, meet, join }
}

const fn udp(name: &'static str, meet: Meet, join: Join) -> Mechanism {
    Mechanism { name, sizes: SIZES, one_way: OneWay::Acknowledged, meet, join }
}

fn tcp_pair() -> anyhow::Result<(Socket, Socket)> {
    let (client, server) = loopback::connection()?;
    for end in [&client, &server] {
        end.socket.set_tcp_nodelay(true).context("TCP_NODELAY")?;
    }
    Ok((client.socket, server.socket))
}

fn udp_pair() -> anyhow::Result<(Socket, Socket)> {
    let (one, other) = (loopback::udp()?, loopback::udp()?);
    for (end, peer) in [(&one, &other), (&other, &one)] {
        end.connect(&peer.address()?)?;
        end.socket.set_recv_buffer_size(RECEIVE_BUFFER).context("SO_RCVBUF")?;
    }
    Ok((one.socket, other.socket))
}
