//! Packets as IP carries them: each whole, and none of them promised.
//!
//! Note: Socket的基本特征 (SOCK_RAW). Go: `net.ListenIP`. Man: raw(7), ip(7).

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use serde::Serialize;
use shared::linux::failure::Failure;
use shared::linux::namespace;
use shared::linux::readiness::{Ready, read};
use socket2::{Domain, Protocol, Socket, Type};

use super::PROTOCOL;
use crate::loopback::interface;
use crate::socket_info::dropped;

/// Far more than the smallest receive buffer holds.
const FLOOD: usize = 1000;

/// The length of an IPv4 header without options, which a raw socket receives too.
const HEADER: usize = 20;

#[derive(Serialize)]
#[serde(tag = "step", rename = "packets")]
pub struct Packets {
    pub sent: [&'static str; 3],
    pub received: Vec<String>,
    flood: usize,
    heard: usize,
    pub dropped_by_kernel: usize,
}

/// In a network of our own if we can have one: nobody else receives these packets.
pub fn three_packets_and_a_flood() -> anyhow::Result<Packets> {
    if namespace::own_network().is_ok() {
        interface::up()?;
    }
    let (source, sink) = (open()?, open()?);
    sink.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
    let sent = ["one", "two", "three"];
    for packet in sent {
        send(&source, packet)?;
    }
    let mut received = Vec::new();
    while received.len() < sent.len() {
        received.extend(next(&sink)?);
    }

    sink.set_recv_buffer_size(4096).context("SO_RCVBUF")?;
    for _ in 0..FLOOD {
        send(&source, "did you hear that?")?;
    }
    // What is neither received nor dropped by then is still on its way.
    let (mut heard, mut dropped_by_kernel) = (0, 0);
    while heard + dropped_by_kernel < FLOOD {
        while next(&sink)?.is_some() {
            heard += 1;
        }
        dropped_by_kernel = dropped(&sink)?;
    }
    Ok(Packets { sent, received, flood: FLOOD, heard, dropped_by_kernel })
}

fn open() -> Result<Socket, Failure> {
    let unable = |error: io::Error| Failure::CannotShow(format!("socket AF_INET SOCK_RAW: {error}"));
    Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(PROTOCOL))).map_err(unable)
}

fn send(source: &Socket, packet: &str) -> anyhow::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into();
    source.send_to(packet.as_bytes(), &address).map(drop).context("sendto 127.0.0.1, a raw socket")
}

/// What the next packet carries, if one has come.
fn next(sink: &Socket) -> anyhow::Result<Option<String>> {
    let mut buffer = [0; 100];
    let Ready::Done(count) = read(sink, &mut buffer).context("read, a raw socket")? else { return Ok(None) };
    let payload = buffer[..count].get(HEADER..).unwrap_or_default();
    Ok(Some(String::from_utf8_lossy(payload).into_owned()))
}
