//! What an address to listen on may be, whom it serves, and whether the protocol keeps messages apart.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (laddr). Go: `net.Listen`. Man: bind(2), ip(7), ipv6(7), hosts(5).

pub mod messages;

use std::io::{self, ErrorKind};
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::answer::{Error, OK, Outcome};
use shared::linux::endpoint::{self, Listener};
use shared::linux::namespace;
use shared::linux::network::Network;
use socket2::{Domain, Socket, Type};

use crate::experiment::{noted, record};
use crate::loopback::interface;

#[derive(clap::Args)]
pub struct Args {}

/// Not on a thread of its own: only a process with one thread may enter a user namespace, which the last one needs.
pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&noted(on_every_address()?, "a listener of tcp serves IPv4 and IPv6", 161))?;
    out.pairs(&noted(on_one_address()?, "a listener of tcp serves IPv4 and IPv6", 161))?;
    out.pairs(&local_and_remote()?)?;
    out.pairs(&messages::over_tcp_and_sctp()?)?;
    out.pairs(&names_without_dns()?)
}

// A listener, and from which family it is reached.
record! { "families", Reached {
    address: String,
    connect_v4: Outcome,
    connect_v6: Outcome,
} }

pub fn on_every_address() -> anyhow::Result<Reached> {
    reached_from(&listen(":0")?)
}

/// The same port of ::1 is bound by us, and silent, so that nobody else answers there.
pub fn on_one_address() -> anyhow::Result<Reached> {
    for _ in 0..100 {
        let listener = listen("127.0.0.1:0")?;
        let port = port(&listener)?;
        let silent = Socket::new(Domain::IPV6, Type::STREAM, None)
            .and_then(|socket| socket.bind(&SocketAddr::from((Ipv6Addr::LOCALHOST, port)).into()).map(|()| socket));
        match silent {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            // Nobody else is there either if the machine has no IPv6.
            _ => return reached_from(&listener),
        }
    }
    bail!("no port of ours that is free in both families");
}

fn listen(address: &str) -> anyhow::Result<Listener> {
    endpoint::listen(Network::Tcp, address, 8, 1)
}

fn reached_from(listener: &Listener) -> anyhow::Result<Reached> {
    let port = port(listener)?;
    let dial = |ip: &str| came(endpoint::dial(Network::Tcp, &format!("{ip}:{port}"), Duration::from_secs(10)));
    Ok(Reached { address: listener.address.clone(), connect_v4: dial("127.0.0.1")?, connect_v6: dial("[::1]")? })
}

fn port(listener: &Listener) -> anyhow::Result<u16> {
    Ok(listener.address.parse::<SocketAddr>().with_context(|| listener.address.clone())?.port())
}

/// What came of trying to listen, or to connect.
fn came<T>(tried: anyhow::Result<T>) -> anyhow::Result<Outcome> {
    let Err(error) = tried else { return Ok(OK) };
    match error.root_cause().downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
        Some(code) => Outcome::of(Err(io::Error::from_raw_os_error(code))).context("listen or connect"),
        None => Err(error),
    }
}

// Listening on an address of this machine, and on another's.
record! { "host", Hosts {
    listen_local: Outcome,
    listen_remote: Outcome,
} }

/// 192.0.2.1 is for documentation (RFC 5737), and no machine's.
pub fn local_and_remote() -> anyhow::Result<Hosts> {
    // A machine whose loopback interface is down takes any address.
    interface::needed()?;
    Ok(Hosts { listen_local: came(listen("127.0.0.1:0"))?, listen_remote: came(listen("192.0.2.1:0"))? })
}

// Listening on two names.
record! { "names-without-dns", Names {
    localhost: Named,
    nosuchhost: Named
} }

/// Where it listens, or why not.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Named {
    Listens(String),
    Failed(Error<String>),
}

/// In a network of our own nobody answers but ourselves, so no DNS. A name under `.invalid` is never registered
/// (RFC 6761).
pub fn names_without_dns() -> anyhow::Result<Names> {
    namespace::own_network()?;
    interface::up()?;
    Ok(Names { localhost: tried("localhost:0")?, nosuchhost: tried("nosuchhost.invalid:0")? })
}

/// Only what the C library's resolver says is an answer, and it has no errno.
fn tried(address: &str) -> anyhow::Result<Named> {
    match listen(address) {
        Ok(listener) => Ok(Named::Listens(listener.address)),
        Err(error) => match error.root_cause().downcast_ref::<io::Error>() {
            Some(said) if said.raw_os_error().is_none() => Ok(Named::Failed(Error { error: said.to_string() })),
            _ => Err(error),
        },
    }
}
