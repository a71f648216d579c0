//! What the kernel counts for a socket and tells whoever holds it.
//!
//! Note: Socket的基本特征 (传输可靠性). Go: `syscall.GetsockoptTCPInfo`. Man: SO_MEMINFO in socket(7), TCP_INFO in tcp(7).

use std::io;
use std::os::fd::AsFd;

use anyhow::Context;
use nix::sys::socket::getsockopt;
use nix::{getsockopt_impl, libc, sockopt_impl};

sockopt_impl!(
    /// The numbers that `ss -m` shows.
    MemInfo, GetOnly, libc::SOL_SOCKET, libc::SO_MEMINFO, [u32; 9]
);
sockopt_impl!(
    /// The numbers that `ss -i` shows.
    TcpInfo, GetOnly, libc::IPPROTO_TCP, libc::TCP_INFO, libc::tcp_info
);

/// How many messages, or requests for a connection, came to the socket in vain.
pub fn dropped(socket: &impl AsFd) -> anyhow::Result<usize> {
    let [.., drops] = getsockopt(socket, MemInfo).context("SO_MEMINFO")?;
    Ok(usize::try_from(drops)?)
}

/// How many connections wait to be accepted from a listening socket.
pub fn queued(listener: &impl AsFd) -> io::Result<u32> {
    Ok(getsockopt(listener, TcpInfo)?.tcpi_unacked)
}
