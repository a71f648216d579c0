//! What a listening socket is that somebody else has bound.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: `net.FileListener`. Man: getsockname(2), SO_TYPE in socket(7).

use std::ffi::OsStr;
use std::os::fd::AsRawFd;

use anyhow::Context;
use socket2::{SockAddr, Socket};

use super::address::{host_and_port, shown, unix_address};
use super::resolve;
use crate::linux::failure::Failure;
use crate::linux::network::Network;

/// Its network, which must be one of `networks`, and its address, which must be `address` if that is said.
pub(super) fn name(
    socket: &Socket,
    networks: &[Network],
    address: Option<&OsStr>,
) -> anyhow::Result<(Network, String)> {
    let (bound, kind) = (socket.local_addr().context("getsockname")?, socket.r#type().context("SO_TYPE")?);
    let of = |networks: &[Network]| {
        networks.iter().copied().find(|network| network.admits(bound.domain()) && network.kind() == kind)
    };
    let is = |wanted: &str| {
        let network = of(&Network::ALL).map_or("another network", Network::name);
        let number = socket.as_raw_fd();
        Failure::Usage(format!("descriptor {number} listens on {network} {}, not on {wanted}", shown(&bound)))
    };
    let network = of(networks)
        .ok_or_else(|| is(&networks.iter().map(|network| network.name()).collect::<Vec<_>>().join(" or ")))?;
    match address {
        Some(address) if !is_at(&bound, network, address)? => Err(is(&address.display().to_string()).into()),
        _ => Ok((network, shown(&bound))),
    }
}

/// Port 0 is any, and the wildcards of both families are one.
fn is_at(bound: &SockAddr, network: Network, address: &OsStr) -> anyhow::Result<bool> {
    let Some(bound) = bound.as_socket() else {
        let wanted = unix_address(address).with_context(|| format!("listen {network} {}", address.display()))?;
        return Ok(shown(bound) == shown(&wanted));
    };
    let wanted = resolve::to_listen(network, host_and_port(address)?)?;
    let (wanted_ip, ip) = (wanted.ip().to_canonical(), bound.ip().to_canonical());
    let same = wanted_ip == ip || wanted_ip.is_unspecified() && ip.is_unspecified();
    Ok(same && [0, bound.port()].contains(&wanted.port()))
}
