//! Addresses as a user writes them, and as Go prints them.
//!
//! Note: LocalAddr和RemoteAddr方法, 基于TCP/IP协议栈的Socket通讯 (laddr, raddr). Go: `net.Addr.String`. Man: unix(7), ipv6(7).

use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;

use anyhow::Context;
use nix::net::if_::if_indextoname;
use socket2::SockAddr;

use crate::linux::stdio::escaped;

/// The longest path that fits into `sun_path` beside its final NUL.
pub const LONGEST_PATH: usize = 107;

/// A path, or `@name` for the abstract namespace.
pub fn unix_address(address: &OsStr) -> io::Result<SockAddr> {
    let bytes = address.as_bytes();
    if bytes.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "an empty path"));
    }
    if bytes.len() > LONGEST_PATH + usize::from(bytes.starts_with(b"@")) {
        let long = format!("a path of {} bytes, and at most {LONGEST_PATH} fit into an address", bytes.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, long));
    }
    match bytes.strip_prefix(b"@") {
        Some(name) => SockAddr::unix(OsStr::from_bytes(&[b"\0", name].concat())),
        None => SockAddr::unix(address),
    }
}

/// Paths may be any bytes, names of hosts may not.
pub(super) fn host_and_port(address: &OsStr) -> anyhow::Result<&str> {
    address.to_str().with_context(|| format!("{}: not UTF-8", address.display()))
}

/// An address as Go prints it: an IPv4 peer of a dual-stack socket by its IPv4 address, the zone of an IPv6 one by the
/// interface's name, an abstract name with its `@`, and a socket without a name as `@` alone.
pub fn shown(address: &SockAddr) -> String {
    if let Some(address) = address.as_socket() {
        return shown_ip(address);
    }
    match (address.as_pathname(), address.as_abstract_namespace()) {
        (Some(path), _) => escaped(path.as_os_str().as_bytes()),
        (_, name) => format!("@{}", escaped(name.unwrap_or_default())),
    }
}

fn shown_ip(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => {
            let zone = if_indextoname(v6.scope_id()).map(|name| name.to_string_lossy().into_owned());
            format!("[{}%{}]:{}", v6.ip(), zone.unwrap_or_else(|_| v6.scope_id().to_string()), v6.port())
        }
        _ => SocketAddr::new(address.ip().to_canonical(), address.port()).to_string(),
    }
}

/// A wildcard that is dialled means this machine.
pub(super) fn loopback(ip: IpAddr) -> IpAddr {
    if !ip.is_unspecified() {
        return ip;
    }
    if ip.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() }
}
