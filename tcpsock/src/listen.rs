//! What an address to listen on may be, and whom it serves.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (laddr). Go: `net.Listen`. Man: bind(2), ip(7), ipv6(7), hosts(5).

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::bail;
use serde_json::{Value, json};
use shared::harness::claims::{Check, Seen, seen};
use shared::linux::answer::answer;
use shared::linux::endpoint::{self, Listener};
use shared::linux::failure::Failure;
use shared::linux::namespace;
use shared::linux::network::Network;
use socket2::{Domain, Socket, Type};

use crate::loopback;

pub const CHECKS: &[Check] =
    &[(161, tcp_serves_both_families), (162, the_host_must_be_local), (163, names_are_looked_up_in_dns)];

fn listen(address: &str) -> anyhow::Result<Listener> {
    endpoint::listen(Network::Tcp, address, 8, 1)
}

// ANCHOR: reached
/// From which family a listener is reached.
fn reached_from(listener: &Listener) -> anyhow::Result<Value> {
    let port = port(listener)?;
    let dial = |ip: &str| endpoint::dial(Network::Tcp, &format!("{ip}:{port}"), Duration::from_secs(10));
    let [v4, v6] = ["127.0.0.1", "[::1]"].map(|ip| came(dial(ip)));
    Ok(json!({"address": listener.address, "from_127.0.0.1": v4?, "from_::1": v6?}))
}
// ANCHOR_END: reached

fn port(listener: &Listener) -> anyhow::Result<u16> {
    Ok(listener.address.parse::<SocketAddr>()?.port())
}

/// What was tried, and why it failed.
fn came<T>(tried: anyhow::Result<T>) -> anyhow::Result<String> {
    let Err(error) = tried else { return Ok("ok".to_owned()) };
    match error.root_cause().downcast_ref::<io::Error>() {
        Some(cause) => Ok(answer(cause)?),
        None => Err(error),
    }
}

fn tcp_serves_both_families() -> anyhow::Result<Seen> {
    let no_ipv6 = |error: io::Error| Failure::CannotShow(format!("no IPv6 on loopback: {error}"));
    let v6 = |port| {
        let socket = Socket::new(Domain::IPV6, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((Ipv6Addr::LOCALHOST, port)).into()).map(|()| socket)
    };
    v6(0).map_err(no_ipv6)?;
    let all = reached_from(&listen(":0")?)?;
    for _ in 0..100 {
        let v4_only = listen("127.0.0.1:0")?;
        // Bound and not listening, so that nobody else answers there.
        let _silent = match v6(port(&v4_only)?) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => continue,
            bound => bound?,
        };
        let one = reached_from(&v4_only)?;
        let both = all["from_127.0.0.1"] == "ok" && all["from_::1"] == "ok";
        let exception = one["from_127.0.0.1"] == "ok" && one["from_::1"] == "ECONNREFUSED";
        return Ok(Seen::imprecise(both, exception, format!("{}; {}", seen(&all), seen(&one))));
    }
    bail!("no port of ours that is free in both families");
}

const NONLOCAL: &str = "/proc/sys/net/ipv4/ip_nonlocal_bind";

/// 192.0.2.1 is for documentation (RFC 5737), and no machine's.
fn local_and_remote() -> anyhow::Result<Value> {
    let tried = |address: &str| came(listen(address));
    Ok(json!({"127.0.0.1": tried("127.0.0.1:0")?, "192.0.2.1": tried("192.0.2.1:0")?}))
}

fn the_host_must_be_local() -> anyhow::Result<Seen> {
    // Without an address of its own a machine takes any.
    loopback::needed()?;
    if fs::read_to_string(NONLOCAL).is_ok_and(|value| value.trim() != "0") {
        return Err(Failure::CannotShow(format!("{NONLOCAL} allows any address")).into());
    }
    let record = local_and_remote()?;
    Ok(Seen::holds(record["127.0.0.1"] == "ok" && record["192.0.2.1"] == "EADDRNOTAVAIL", seen(&record)))
}

/// In a network of our own nobody answers but ourselves, so no DNS. A name under `.invalid` is never registered
/// (RFC 6761).
fn names_without_dns() -> anyhow::Result<Value> {
    namespace::own_network()?;
    loopback::up()?;
    let tried = |address: &str| match listen(address) {
        Ok(listener) => listener.address,
        Err(error) => format!("{:#}", error.root_cause()),
    };
    Ok(json!({"localhost": tried("localhost:0"), "nosuchhost.invalid": tried("nosuchhost.invalid:0")}))
}

fn names_are_looked_up_in_dns() -> anyhow::Result<Seen> {
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let names =
        hosts.lines().filter_map(|line| line.split('#').next()).flat_map(|line| line.split_whitespace().skip(1));
    if !names.into_iter().any(|name| name == "localhost") {
        return Err(Failure::CannotShow("/etc/hosts does not name localhost".to_owned()).into());
    }
    let names = names_without_dns()?;
    let listens = |name: &str| names[name].as_str().is_some_and(|came| came.parse::<SocketAddr>().is_ok());
    Ok(Seen::imprecise(!listens("nosuchhost.invalid"), listens("localhost"), format!("without DNS: {}", seen(&names))))
}
