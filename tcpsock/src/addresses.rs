//! What an address is made of, and whose it is.
//!
//! Note: Socket的基本特征 (地址形式), LocalAddr和RemoteAddr方法. Go: `net.Conn.LocalAddr`, `RemoteAddr`,
//! `net.Addr.Network`, `String`. Man: sockaddr(3type), getsockname(2), getpeername(2), ip(7), ipv6(7).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Context;
use serde::Serializer;
use shared::harness::report::Report;
use shared::linux::endpoint;
use shared::linux::failure::Failure;
use shared::linux::network::Network;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

pub use crate::experiment::Args;
use crate::experiment::record;
use crate::loopback::{End, connection};

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&fields_v4()?)?;
    out.pairs(&fields_v6()?)?;
    out.pairs(&two_ends()?)
}

// Where the parts of an address stand in what getsockname(2) wrote.
record! { "fields", Fields {
    domain: String,
    length: usize,
    port_at: Option<usize>,
    address_at: Option<usize>,
    address_bytes: usize,
} }

pub fn fields_v4() -> anyhow::Result<Fields> {
    fields_of(Ipv4Addr::LOCALHOST.into())
}

/// An IPv4-mapped address can be bound even where loopback has no IPv6.
pub fn fields_v6() -> anyhow::Result<Fields> {
    fields_of(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into())
}

/// Finds the port and the address in network byte order; beside them stand the family and, in AF_INET6, a flow and a
/// scope.
fn fields_of(ip: IpAddr) -> anyhow::Result<Fields> {
    let wanted = SocketAddr::new(ip, 0);
    let domain = Domain::for_address(wanted);
    let socket = Socket::new(domain, Type::STREAM, None)
        .map_err(|error| Failure::CannotShow(format!("socket {domain:?}: {error}")))?;
    if domain == Domain::IPV6 {
        socket.set_only_v6(false).context("IPV6_V6ONLY")?;
    }
    socket.bind(&wanted.into()).with_context(|| format!("bind {wanted}"))?;
    let name = socket.local_addr().context("getsockname")?;
    let port = name.as_socket().context("an address of TCP")?.port();
    let bytes = bytes(&name);
    let octets: &[u8] = match &ip {
        IpAddr::V4(ip) => &ip.octets(),
        IpAddr::V6(ip) => &ip.octets(),
    };
    let at = |field: &[u8]| bytes.windows(field.len()).position(|part| part == field);
    Ok(Fields {
        domain: format!("{domain:?}"),
        length: bytes.len(),
        port_at: at(&port.to_be_bytes()),
        address_at: at(octets),
        address_bytes: octets.len(),
    })
}

fn bytes(address: &SockAddr) -> &[u8] {
    // SAFETY: the kernel has written that many bytes of it.
    #[allow(unsafe_code, reason = "socket2 hands out the bytes of an address by pointer only")]
    unsafe {
        std::slice::from_raw_parts(address.as_ptr().cast(), address.len() as usize)
    }
}

// What each end says of itself and of its peer.
record! { "ends", Ends {
    network: &'static str,
    #[serde(serialize_with = "debug")]
    protocol: Protocol,
    client_local: String,
    client_remote: String,
    server_local: String,
    server_remote: String,
} }

// ANCHOR: ends
pub fn two_ends() -> anyhow::Result<Ends> {
    let (client, server) = connection()?;
    let local = |end: &End| anyhow::Ok(endpoint::shown(&end.address()?));
    let remote = |end: &End| anyhow::Ok(endpoint::shown(&end.peer()?));
    let protocol = client.socket.protocol().context("SO_PROTOCOL")?;
    let protocol = protocol.context("SO_PROTOCOL: 0")?;
    Ok(Ends {
        network: network_of(protocol)?.name(),
        protocol,
        client_local: local(&client)?,
        client_remote: remote(&client)?,
        server_local: local(&server)?,
        server_remote: remote(&server)?,
    })
}
// ANCHOR_END: ends

/// Go's `Network` of an address: the first literal of that protocol, whatever was dialled.
fn network_of(protocol: Protocol) -> anyhow::Result<Network> {
    let network = Network::ALL.into_iter().find(|network| network.protocol() == Some(protocol));
    network.with_context(|| format!("no network has {protocol:?}"))
}

/// By its name in C.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn debug<S: Serializer>(protocol: &Protocol, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{protocol:?}"))
}
