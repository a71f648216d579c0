//! How fast the three types of Unix sockets are, with blocking calls and under mio's event loop.
//!
//! They are made in pairs: once two are connected, the kernel makes no difference between those with a
//! path and those without.
//!
//! Note: Socket的基本特征, beside "共享内存…最快的一种IPC方法". Go: `testing.B`. Man: unix(7), socketpair(2).

use std::fs::File;

use anyhow::Context;
use shared::harness::bench::descriptors::{ANY, blocking, event_loop, sockets};
use shared::harness::bench::{Mechanism, Meeting, OneWay, SIZES, Side};
use shared::linux::network::Network;
use socket2::{Domain, Socket};

pub static MECHANISMS: [Mechanism; 6] = [
    mechanism("unix", || blocking_pair(Network::Unix), blocking::<ANY>),
    mechanism("unix, mio", || event_loop_pair(Network::Unix), event_loop::<ANY>),
    mechanism("unixgram", || blocking_pair(Network::Unixgram), blocking::<ANY>),
    mechanism("unixgram, mio", || event_loop_pair(Network::Unixgram), event_loop::<ANY>),
    mechanism("unixpacket", || blocking_pair(Network::Unixpacket), blocking::<ANY>),
    mechanism("unixpacket, mio", || event_loop_pair(Network::Unixpacket), event_loop::<ANY>),
];

type Join = fn(File, File) -> anyhow::Result<Box<dyn Side>>;

const fn mechanism(name: &'static str, meet: fn() -> anyhow::Result<Meeting>, join: Join) -> Mechanism {
    Mechanism { name, sizes: SIZES, one_way: OneWay::Waits, meet, join }
}

fn blocking_pair(network: Network) -> anyhow::Result<Meeting> {
    sockets(pair(network)?, blocking::<ANY>)
}

fn event_loop_pair(network: Network) -> anyhow::Result<Meeting> {
    sockets(pair(network)?, event_loop::<ANY>)
}

fn pair(network: Network) -> anyhow::Result<(Socket, Socket)> {
    Socket::pair(Domain::UNIX, network.kind(), network.protocol()).context("socketpair")
}
