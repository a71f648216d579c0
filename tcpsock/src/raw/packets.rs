//! Packets as IP carries them: each whole, and none of them promised.
//!
//! Note: Socket的基本特征 (SOCK_RAW). Go: `net.ListenIP`. Man: raw(7), ip(7).

use std::net::{Ipv4Addr, SocketAddr};

use shared::linux::failure::Failure;
use shared::linux::namespace;
use socket2::{Domain, Protocol, Type};

use crate::experiment::record;
use crate::loopback::{End, interface};
use crate::sockets::types;
use crate::udp::loss::{FLOOD, flood};

/// For experiments (RFC 3692): the kernel has no use of its own for it.
pub const PROTOCOL: i32 = 253;

/// The length of an IPv4 header without options, which a raw socket receives too.
pub const HEADER: usize = 20;

record! { "packets", Packets {
    sent_texts: [&'static str; 3],
    received_texts: Vec<String>,
    flood: usize,
    heard: usize,
    dropped_by_kernel: usize,
} }

pub fn three_packets_and_a_flood() -> anyhow::Result<Packets> {
    let (source, sink) = ends()?;
    source.connect(&sink.address()?)?;
    let received_texts = types::three_writes(&source, &sink, HEADER)?;
    let (heard, dropped_by_kernel) = flood(&source, &sink, HEADER, FLOOD)?;
    Ok(Packets { sent_texts: types::WRITES, received_texts, flood: FLOOD, heard: heard.len(), dropped_by_kernel })
}

/// One to send and one to receive; in a network of our own if we can have one: nobody else receives these packets.
pub fn ends() -> anyhow::Result<(End, End)> {
    if namespace::own_network().is_ok() {
        interface::up()?;
    }
    let (source, sink) = (open()?, open()?);
    sink.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    Ok((source, sink))
}

fn open() -> Result<End, Failure> {
    let end = End::new("a raw socket", Domain::IPV4, Type::RAW, Some(Protocol::from(PROTOCOL)));
    end.map_err(|error| Failure::CannotShow(format!("{error:#}")))
}
