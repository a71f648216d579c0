//! Who listens at the other end of a Unix socket.
//!
//! Go: `syscall.GetsockoptUcred`. Man: SO_PEERCRED in unix(7).

use anyhow::{Context, ensure};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use socket2::Socket;

/// Fails unless the server of `socket` runs as one of `allowed`; if this is empty, anybody will do.
///
/// The kernel tells who called listen(2). Nothing is sent to anybody else, and no answer of theirs is believed.
pub fn check_server(socket: &Socket, allowed: &[u32]) -> anyhow::Result<()> {
    if allowed.is_empty() {
        return Ok(());
    }
    let server = getsockopt(socket, PeerCredentials).context("SO_PEERCRED")?;
    ensure!(allowed.contains(&server.uid()), "the server runs as UID {} (PID {})", server.uid(), server.pid());
    Ok(())
}
