//! A domain: what its addresses are, and how far a connection in it was seen to lead.
//!
//! Note: Socket的基本特征 (the table of domains). Go: `net.Addr`. Man: ip(7), ipv6(7), unix(7).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Context;
use nix::libc;
use shared::linux::endpoint::unix_address;
use shared::linux::failure::if_shown;
use shared::linux::scratch::Folder;
use socket2::{Domain, SockAddr, Socket, Type};

use super::layout::NOT_SEEN;
use crate::addresses::{self, Fields};

/// The cells of its row.
pub fn row(domain: Domain) -> anyhow::Result<Vec<String>> {
    let [meaning, form, scope] = match domain {
        Domain::IPV4 => of_ip(addresses::fields_v4(), Ipv4Addr::LOCALHOST.into(), "IPv4")?,
        Domain::IPV6 => of_ip(addresses::fields_v6(), Ipv6Addr::LOCALHOST.into(), "IPv6")?,
        _ => of_unix()?,
    };
    Ok(vec![format!("{domain:?}"), meaning, form, scope])
}

fn of_ip(fields: anyhow::Result<Fields>, loopback: IpAddr, name: &str) -> anyhow::Result<[String; 3]> {
    let Some(fields) = if_shown(fields)? else { return Ok([NOT_SEEN; 3].map(str::to_owned)) };
    let form = match (fields.address_at, fields.port_at) {
        (Some(_), Some(_)) => format!("address of {} bytes, port of 2", fields.address_bytes),
        _ => NOT_SEEN.to_owned(),
    };
    let scope = match connect(&SocketAddr::new(loopback, 0).into()) {
        // Loopback is down, or has no IPv6.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENETUNREACH | libc::EADDRNOTAVAIL)) => {
            NOT_SEEN.to_owned()
        }
        connected => {
            connected.with_context(|| format!("connect to {loopback}"))?;
            format!("this machine; two machines {NOT_SEEN}")
        }
    };
    Ok([name.to_owned(), form, scope])
}

/// By a path, and by a name that the kernel gives to whoever binds none.
fn of_unix() -> anyhow::Result<[String; 3]> {
    let folder = Folder::make("tcpsock")?;
    let path = folder.path().join("socket");
    let named = connect(&unix_address(path.as_os_str())?).with_context(|| format!("connect {}", path.display()))?;
    let unnamed = connect(&SockAddr::unix("")?).context("connect to a name that the kernel gave")?;
    folder.remove()?;
    let form = match (named.as_pathname() == Some(&path), unnamed.as_abstract_namespace()) {
        (true, Some(_)) => "a path, or a name without a file",
        (true, None) => "a path",
        _ => NOT_SEEN,
    };
    Ok(["Unix", form, "this machine"].map(str::to_owned))
}

/// The address of a listening socket to which another has connected.
fn connect(address: &SockAddr) -> io::Result<SockAddr> {
    let listener = Socket::new(address.domain(), Type::STREAM, None)?;
    listener.bind(address)?;
    listener.listen(1)?;
    let bound = listener.local_addr()?;
    Socket::new(address.domain(), Type::STREAM, None)?.connect(&bound)?;
    listener.accept().map(|_| bound)
}
