//! Who is at the other end: the kernel tells it, so the peer cannot lie.
//!
//! Of a listening socket they are those of the process that called listen(2), at that time.
//!
//! Note: Socket的基本特征 (AF_UNIX: 在同一台计算机上). Go: `syscall.GetsockoptUcred`. Man: SO_PEERCRED in unix(7).

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::endpoint;
use shared::linux::network::Network;

#[derive(clap::Args)]
pub struct Args {
    /// A path, or @name
    address: PathBuf,
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = shared::harness::duration::limit)]
    timeout: Duration,
}

#[derive(Serialize)]
struct Peer {
    pid: i32,
    uid: u32,
    gid: u32,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let socket = endpoint::dial(Network::Unix, &args.address, args.timeout)?;
    let peer =
        getsockopt(&socket, PeerCredentials).with_context(|| format!("SO_PEERCRED {}", args.address.display()))?;
    out.pairs(&Peer { pid: peer.pid(), uid: peer.uid(), gid: peer.gid() })
}
