//! A Unix socket needs no network: it works where there is none.
//!
//! Note: Socket. Go: `net.Dial("unix", …)`. Man: unix(7), network_namespaces(7).

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use serde::Serialize;
use shared::linux::answer::Outcome;
use shared::linux::namespace;
use socket2::{Domain, SockAddr, Socket, Type};

/// How many bytes came of one that was sent to a listener on this machine.
#[derive(Serialize)]
#[serde(tag = "step", rename = "network")]
pub struct Reach {
    has_network: bool,
    pub tcp: Outcome,
    pub unix: Outcome,
}

pub fn reach(has_network: bool) -> anyhow::Result<Reach> {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into();
    Ok(Reach {
        has_network,
        tcp: Outcome::of(sent_and_received(Domain::IPV4, &loopback)).context("a connection over TCP")?,
        // With an empty path the kernel chooses a name, and there is no file.
        unix: Outcome::of(sent_and_received(Domain::UNIX, &SockAddr::unix("")?)).context("a Unix connection")?,
    })
}

/// In a network namespace of its own, where even the loopback interface is down.
pub fn without() -> anyhow::Result<Reach> {
    namespace::own_network()?;
    reach(false)
}

// ANCHOR: sent
fn sent_and_received(domain: Domain, address: &SockAddr) -> io::Result<usize> {
    let listener = Socket::new(domain, Type::STREAM, None)?;
    listener.bind(address)?;
    listener.listen(1)?;
    let mut client = Socket::new(domain, Type::STREAM, None)?;
    client.connect(&listener.local_addr()?)?;
    client.write_all(b"!")?;
    listener.accept()?.0.read(&mut [0; 16])
}
// ANCHOR_END: sent
