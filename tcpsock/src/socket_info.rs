//! What the kernel counts for a socket and tells whoever holds it.
//!
//! Note: Socket的基本特征 (传输可靠性). Go: `syscall.GetsockoptTCPInfo`. Man: SO_MEMINFO in socket(7), TCP_INFO in tcp(7).

use std::mem::offset_of;
use std::os::fd::AsFd;

use anyhow::Context;
use nix::sys::socket::getsockopt;
use nix::{getsockopt_impl, libc, sockopt_impl};

sockopt_impl!(
    /// The numbers that `ss -m` shows.
    MemInfo, GetOnly, libc::SOL_SOCKET, libc::SO_MEMINFO, [u32; 9]
);
sockopt_impl!(
    /// The first of the numbers that `ss -i` shows. `struct tcp_info` grows at its end from kernel to kernel, and
    /// nix wants as many bytes as it asked for: its beginning is the same everywhere.
    TcpInfo, GetOnly, libc::IPPROTO_TCP, libc::TCP_INFO, [u32; UNACKED + 1]
);

/// The place of `tcpi_unacked`.
const UNACKED: usize = offset_of!(libc::tcp_info, tcpi_unacked) / size_of::<u32>();

/// How many messages, or requests for a connection, came to the socket in vain.
pub fn dropped(socket: &impl AsFd) -> anyhow::Result<usize> {
    let [.., drops] = getsockopt(socket, MemInfo).context("SO_MEMINFO")?;
    Ok(usize::try_from(drops)?)
}

/// How many connections wait to be accepted from a listening socket.
pub fn queued(listener: &impl AsFd) -> anyhow::Result<u32> {
    Ok(getsockopt(listener, TcpInfo).context("TCP_INFO")?[UNACKED])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_of_tcp_info_is_asked_for_than_the_oldest_kernel_has() {
        const LINUX_5_10: usize = 232;
        assert!(size_of::<<TcpInfo as nix::sys::socket::GetSockOpt>::Val>() <= LINUX_5_10);
    }
}
