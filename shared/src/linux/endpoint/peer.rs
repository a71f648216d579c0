//! Who listens at the other end of a Unix socket.
//!
//! Go: `syscall.GetsockoptUcred`. Man: SO_PEERCRED in unix(7).

use anyhow::{Context, ensure};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use socket2::Socket;

/// Fails unless the server of `socket` runs as one of `allowed`; where these are none, all will do.
///
/// The kernel tells who called listen(2): what is sent to anybody else, or answered by them, is not to be trusted.
pub fn check_server(socket: &Socket, allowed: &[u32]) -> anyhow::Result<()> {
    if allowed.is_empty() {
        return Ok(());
    }
    let server = getsockopt(socket, PeerCredentials).context("SO_PEERCRED")?;
    ensure!(allowed.contains(&server.uid()), "the server runs as UID {} (PID {})", server.uid(), server.pid());
    Ok(())
}
