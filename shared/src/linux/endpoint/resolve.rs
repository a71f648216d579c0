//! `HOST:PORT` to addresses, with Go's errors.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (laddr, raddr). Go: `net.SplitHostPort`, `net.ResolveTCPAddr`.
//! Man: getaddrinfo(3).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::net::if_::if_nametoindex;
use socket2::Domain;

use super::address::loopback;
use super::service;
use crate::linux::failure::Failure;
use crate::linux::network::Network;
use crate::linux::thread::spawn;

/// How long a server waits for the name it is to listen on.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);

/// The address to bind: of a name's addresses the first of IPv4, else the first.
pub fn to_listen(network: Network, address: &str) -> anyhow::Result<SocketAddr> {
    let (host, port) = split(network, address).map_err(|what| usage("listen", network, &what))?;
    if host.is_empty() {
        return Ok(wildcard(network, port));
    }
    let deadline = Instant::now() + LISTEN_TIMEOUT;
    let all = lookup(network, host, port, deadline).with_context(|| format!("listen {network}"))?;
    let first = all.iter().find(|address| address.is_ipv4()).or(all.first());
    let first = *first.with_context(|| format!("listen {network}: address {host}: no suitable address found"))?;
    let dual = network == Network::Tcp && first.ip().is_unspecified();
    Ok(if dual { wildcard(network, port) } else { first })
}

/// The addresses to dial, in this order.
pub(super) fn to_dial(network: Network, address: &str, deadline: Instant) -> anyhow::Result<Vec<SocketAddr>> {
    let (host, port) = split(network, address).map_err(|what| usage("dial", network, &what))?;
    let mut all = match host {
        "" if network == Network::Tcp6 => vec![(Ipv6Addr::LOCALHOST, port).into()],
        "" => vec![(Ipv4Addr::LOCALHOST, port).into()],
        host => lookup(network, host, port, deadline).with_context(|| format!("dial {network}"))?,
    };
    if all.is_empty() {
        bail!("dial {network}: address {host}: no suitable address found");
    }
    for address in &mut all {
        address.set_ip(loopback(address.ip()));
    }
    Ok(all)
}

fn wildcard(network: Network, port: u16) -> SocketAddr {
    if network == Network::Tcp4 { (Ipv4Addr::UNSPECIFIED, port).into() } else { (Ipv6Addr::UNSPECIFIED, port).into() }
}

fn usage(what: &str, network: Network, why: &str) -> Failure {
    Failure::Usage(format!("{what} {network}: {why}"))
}

/// `net.SplitHostPort`, and the port as a number.
fn split(network: Network, address: &str) -> Result<(&str, u16), String> {
    let wrong = |what: &str| format!("address {address}: {what} in address");
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or_else(|| wrong("missing ']'"))?;
            (host, rest.strip_prefix(':').ok_or_else(|| wrong("missing port"))?)
        }
        None => address.rsplit_once(':').ok_or_else(|| wrong("missing port"))?,
    };
    if port.contains(':') || !address.starts_with('[') && host.contains(':') {
        return Err(wrong("too many colons"));
    }
    Ok((host, number(network, port)?))
}

/// `net.LookupPort`: figures, a name, or nothing for 0.
fn number(network: Network, port: &str) -> Result<u16, String> {
    if port.is_empty() {
        return Ok(0);
    }
    if port.strip_prefix(['+', '-']).unwrap_or(port).bytes().all(|byte| byte.is_ascii_digit()) {
        return port.parse().map_err(|_| format!("address {port}: invalid port"));
    }
    service::tcp_port(port).ok_or_else(|| format!("address {network}/{port}: unknown port"))
}

/// The addresses of `host` that `network` admits. An IPv4 address in IPv6's notation (`::ffff:127.0.0.1`) counts as
/// IPv4.
fn lookup(network: Network, host: &str, port: u16, deadline: Instant) -> anyhow::Result<Vec<SocketAddr>> {
    let mut all = match literal(host)? {
        Some(address) => vec![address],
        None => getaddrinfo(host, deadline)?,
    };
    for address in &mut all {
        address.set_ip(address.ip().to_canonical());
        address.set_port(port);
    }
    all.retain(|&address| network.admits(Domain::for_address(address)));
    all.dedup();
    Ok(all)
}

/// A numeric address; one of IPv6 may have a zone: `fe80::1%eth0`.
fn literal(host: &str) -> anyhow::Result<Option<SocketAddr>> {
    let (figures, zone) = host.rsplit_once('%').map_or((host, None), |(figures, zone)| (figures, Some(zone)));
    Ok(match (figures.parse(), zone) {
        (Ok(IpAddr::V6(ip)), Some(zone)) => Some(SocketAddrV6::new(ip, 0, 0, interface(zone)?).into()),
        (Ok(ip), None) => Some(SocketAddr::new(ip, 0)),
        _ => None,
    })
}

/// The interface that a zone names: by its name, or by its number.
fn interface(zone: &str) -> anyhow::Result<u32> {
    match if_nametoindex(zone) {
        _ if zone.is_empty() => Ok(0),
        Err(error) => zone.parse().or(Err(io::Error::from(error))).with_context(|| format!("zone {zone}")),
        Ok(index) => Ok(index),
    }
}

/// getaddrinfo(3) knows no deadline: a thread waits for it, and is left behind when the deadline passes.
fn getaddrinfo(host: &str, deadline: Instant) -> anyhow::Result<Vec<SocketAddr>> {
    let (sender, answer) = mpsc::channel();
    let name = host.to_owned();
    spawn(move || {
        let found = (name.as_str(), 0).to_socket_addrs();
        // Nobody listens any more when the deadline has passed.
        let _ = sender.send(found.map(Iterator::collect));
    })?;
    match answer.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(found) => found.with_context(|| format!("lookup {host}")),
        Err(RecvTimeoutError::Timeout) => Err(Failure::Deadline(format!("lookup {host}: i/o timeout")).into()),
        Err(RecvTimeoutError::Disconnected) => bail!("lookup {host}: the resolver failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_fail_in_go_s_words() {
        for (address, words) in [
            ("127.0.0.1", "address 127.0.0.1: missing port in address"),
            ("[::1]", "address [::1]: missing port in address"),
            ("[::1]x:1", "address [::1]x:1: missing port in address"),
            ("[::1:80", "address [::1:80: missing ']' in address"),
            ("::1:80", "address ::1:80: too many colons in address"),
            ("[::1]:8:0", "address [::1]:8:0: too many colons in address"),
            (":99999", "address 99999: invalid port"),
            (":-1", "address -1: invalid port"),
            (":nonesuch", "address tcp/nonesuch: unknown port"),
            (":8x", "address tcp/8x: unknown port"),
        ] {
            assert_eq!(split(Network::Tcp, address), Err(words.to_owned()));
        }
    }

    #[test]
    fn a_port_is_a_number_or_a_name_or_nothing() {
        for (address, host, port) in [
            ("[::1]:80", "::1", 80),
            (":0", "", 0),
            (":", "", 0),
            ("a:", "a", 0),
            ("a:HTTP", "a", 80),
            ("a:+080", "a", 80),
        ] {
            assert_eq!(split(Network::Tcp, address), Ok((host, port)));
        }
    }

    #[test]
    fn a_zone_is_an_interface_by_name_or_number() {
        let scope = |address| match to_listen(Network::Tcp, address) {
            Ok(SocketAddr::V6(address)) => address.scope_id(),
            other => panic!("{other:?}"),
        };
        let lo = if_nametoindex("lo").unwrap();
        assert_eq!((scope("[fe80::1%lo]:0"), scope("[fe80::1%77]:0"), scope("[fe80::1%]:0")), (lo, 77, 0));
        let error = to_listen(Network::Tcp, "[fe80::1%nonesuch]:0").unwrap_err();
        assert_eq!(format!("{error:#}"), "listen tcp: zone nonesuch: No such device (os error 19)");
    }

    #[test]
    fn an_ipv4_address_in_ipv6_s_notation_is_one_of_ipv4() {
        for network in [Network::Tcp, Network::Tcp4] {
            assert_eq!(to_listen(network, "[::ffff:127.0.0.1]:7").unwrap(), "127.0.0.1:7".parse().unwrap());
        }
        assert_eq!(to_listen(Network::Tcp, "[::ffff:0.0.0.0]:7").unwrap(), "[::]:7".parse().unwrap());
        let error = to_listen(Network::Tcp6, "[::ffff:127.0.0.1]:7").unwrap_err();
        assert_eq!(format!("{error:#}"), "listen tcp6: address ::ffff:127.0.0.1: no suitable address found");
    }

    #[test]
    fn a_wildcard_of_tcp_is_the_one_that_serves_both_families() {
        for address in [":7", "0.0.0.0:7", "[::]:7"] {
            assert_eq!(to_listen(Network::Tcp, address).unwrap(), "[::]:7".parse().unwrap());
        }
        assert_eq!(to_listen(Network::Tcp4, ":7").unwrap(), "0.0.0.0:7".parse().unwrap());
        assert_eq!(to_listen(Network::Tcp6, ":7").unwrap(), "[::]:7".parse().unwrap());
    }

    #[test]
    fn a_literal_of_the_other_family_is_not_suitable() {
        let error = to_listen(Network::Tcp4, "[::1]:7").unwrap_err();
        assert_eq!(format!("{error:#}"), "listen tcp4: address ::1: no suitable address found");
    }
}
