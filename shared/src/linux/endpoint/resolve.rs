//! `HOST:PORT` to addresses, with Go's errors.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (laddr, raddr). Go: `net.SplitHostPort`, `net.ResolveTCPAddr`.
//! Man: getaddrinfo(3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use socket2::Domain;

use crate::harness::report::Failure;
use crate::linux::network::Network;

/// How long a server waits for the name it is to listen on.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);

/// What to bind for `address`: of a name the first address, an IPv4 one before the others.
pub fn to_listen(network: Network, address: &str) -> anyhow::Result<SocketAddr> {
    let (host, port) = split(address).map_err(|what| usage("listen", network, &what))?;
    let ip = if host.is_empty() {
        wildcard(network)
    } else {
        let deadline = Instant::now() + LISTEN_TIMEOUT;
        let all = lookup(network, &host, port, deadline).with_context(|| format!("listen {network}"))?;
        let first = all.iter().find(|ip| ip.is_ipv4()).or(all.first());
        *first.with_context(|| format!("listen {network}: address {host}: no suitable address found"))?
    };
    let dual = network == Network::Tcp && ip.is_unspecified();
    Ok(SocketAddr::new(if dual { wildcard(network) } else { ip }, port))
}

/// Where to connect for `address`, in this order.
pub(super) fn to_dial(network: Network, address: &str, deadline: Instant) -> anyhow::Result<Vec<SocketAddr>> {
    let (host, port) = split(address).map_err(|what| usage("dial", network, &what))?;
    let all = if host.is_empty() {
        vec![if network == Network::Tcp6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() }]
    } else {
        lookup(network, &host, port, deadline).with_context(|| format!("dial {network}"))?
    };
    if all.is_empty() {
        bail!("dial {network}: address {host}: no suitable address found");
    }
    Ok(all.into_iter().map(|ip| SocketAddr::new(super::loopback(ip), port)).collect())
}

fn wildcard(network: Network) -> IpAddr {
    if network == Network::Tcp4 { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}

fn usage(what: &str, network: Network, why: &str) -> Failure {
    Failure::Usage(format!("{what} {network}: {why}"))
}

/// `net.SplitHostPort`, and the port as a number.
fn split(address: &str) -> Result<(String, u16), String> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => rest.split_once("]:"),
        None => address.rsplit_once(':'),
    }
    .ok_or_else(|| format!("address {address}: missing port in address"))?;
    if !address.starts_with('[') && host.contains(':') {
        return Err(format!("address {address}: too many colons in address"));
    }
    match port.parse() {
        Ok(number) => Ok((host.to_owned(), number)),
        Err(_) => Err(format!("address {port}: invalid port")),
    }
}

/// The addresses of `host` that `network` admits.
fn lookup(network: Network, host: &str, port: u16, deadline: Instant) -> anyhow::Result<Vec<IpAddr>> {
    let mut all = match host.parse::<IpAddr>() {
        Ok(ip) => vec![ip],
        Err(_) => getaddrinfo(host, port, deadline)?,
    };
    all.retain(|ip| network.admits(if ip.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 }));
    all.dedup();
    Ok(all)
}

/// getaddrinfo(3) knows no deadline: a thread waits for it, and is left behind when the deadline passes.
fn getaddrinfo(host: &str, port: u16, deadline: Instant) -> anyhow::Result<Vec<IpAddr>> {
    let (sender, answer) = mpsc::channel();
    let name = host.to_owned();
    thread::Builder::new().name("getaddrinfo".into()).spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs();
        // Nobody listens any more when the deadline has passed.
        let _ = sender.send(found.map(|all| all.map(|address| address.ip()).collect()));
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
        let words = |address| split(address).unwrap_err();
        assert_eq!(words("127.0.0.1"), "address 127.0.0.1: missing port in address");
        assert_eq!(words("127.0.0.1:99999"), "address 99999: invalid port");
        assert_eq!(words("::1:80"), "address ::1:80: too many colons in address");
        assert_eq!(split("[::1]:80"), Ok(("::1".into(), 80)));
        assert_eq!(split(":0"), Ok((String::new(), 0)));
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
