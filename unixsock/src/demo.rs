//! The conversation of the Go program over a fresh path, in one process; then the boundaries of messages.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (字面量 "unix"). Go: tcpsock.go with `net.Listen("unix", …)`. Man: unix(7).

use shared::cube_roots::conversation;
use shared::harness::report::Report;
use shared::linux::endpoint;
use shared::linux::network::Network;
use shared::linux::scratch::Folder;

use crate::boundaries;

#[derive(clap::Args)]
pub struct Args {
    /// How many clients there are at one time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: u16,
}

/// The conversation prints its lines itself, from several threads.
pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    // Whatever ends us, a signal included, the folder goes.
    let folder = Folder::make("unixsock")?;
    let listener = endpoint::listen(Network::Unix, &folder.path().join("socket"), 4096, 1)?;
    conversation::hold(listener, args.clients)?;
    folder.remove()?;
    boundaries::run(&boundaries::Args::default(), out)
}
