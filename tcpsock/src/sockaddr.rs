//! What an address is made of, and whose it is.
//!
//! Note: Socket的基本特征 (地址形式), LocalAddr和RemoteAddr方法. Go: `net.Conn.LocalAddr`, `RemoteAddr`, `net.Addr`.
//! Man: sockaddr(3type), getsockname(2), getpeername(2), ip(7), ipv6(7).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Context;
use serde_json::{Value, json};
use shared::harness::claims::{Check, Seen, seen};
use shared::linux::endpoint;
use shared::linux::failure::Failure;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::experiment::connection;

pub const CHECKS: &[Check] = &[(140, four_or_sixteen_bytes_and_a_port), (189, both_ends_are_told)];

/// Finds the port and the address, as the network has them, in what getsockname(2) wrote; what is beside them
/// is the family, and in AF_INET6 a flow and a scope.
fn fields_of(ip: IpAddr) -> anyhow::Result<Value> {
    let bound = SocketAddr::new(ip, 0);
    let domain = Domain::for_address(bound);
    let socket = Socket::new(domain, Type::STREAM, None)
        .map_err(|error| Failure::CannotShow(format!("socket {domain:?}: {error}")))?;
    if domain == Domain::IPV6 {
        socket.set_only_v6(false)?;
    }
    socket.bind(&bound.into())?;
    let name = socket.local_addr()?;
    let port = name.as_socket().context("an address of TCP")?.port();
    let bytes = bytes(&name);
    let address: &[u8] = match &ip {
        IpAddr::V4(ip) => &ip.octets(),
        IpAddr::V6(ip) => &ip.octets(),
    };
    let at = |field: &[u8]| bytes.windows(field.len()).position(|part| part == field);
    Ok(json!({
        "domain": format!("{domain:?}"), "length": bytes.len(),
        "port_at": at(&port.to_be_bytes()), "address_at": at(address), "address_bytes": address.len(),
    }))
}

fn bytes(address: &SockAddr) -> &[u8] {
    // SAFETY: so many bytes of it the kernel has written.
    #[allow(unsafe_code, reason = "socket2 hands out the bytes of an address by pointer only")]
    unsafe {
        std::slice::from_raw_parts(address.as_ptr().cast(), address.len() as usize)
    }
}

/// An address of IPv4 as IPv6 writes it can be bound though loopback speaks IPv4 alone.
fn four_or_sixteen_bytes_and_a_port() -> anyhow::Result<Seen> {
    let v4 = fields_of(Ipv4Addr::LOCALHOST.into())?;
    let v6 = fields_of(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into())?;
    let as_noted = v4["address_at"] == 4 && v6["address_at"] == 8 && v4["port_at"] == 2 && v6["port_at"] == 2;
    Ok(Seen::holds(as_noted, format!("{}; {}", seen(&v4), seen(&v6))))
}

/// What each end says of itself, the other says of its peer.
fn two_ends() -> anyhow::Result<Value> {
    let (client, server) = connection()?;
    let [local, remote] = [client.local_addr()?, client.peer_addr()?].map(|address| endpoint::shown(&address));
    let [server_local, server_remote] =
        [server.local_addr()?, server.peer_addr()?].map(|address| endpoint::shown(&address));
    let protocol = client.protocol()?.map(|protocol| format!("{protocol:?}"));
    Ok(json!({
        "protocol": protocol, "client_local": local, "client_remote": remote,
        "server_local": server_local, "server_remote": server_remote,
    }))
}

fn both_ends_are_told() -> anyhow::Result<Seen> {
    let ends = two_ends()?;
    let agree = ends["client_local"] == ends["server_remote"] && ends["client_remote"] == ends["server_local"];
    let differ = ends["client_local"] != ends["server_local"];
    Ok(Seen::holds(agree && differ && ends["protocol"] == "IPPROTO_TCP", seen(&ends)))
}
