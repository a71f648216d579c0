//! The conversation of the Go program over a real TCP connection, in one process.
//!
//! A server on mio's event loop, clients on BufStream. Ends by itself as soon as the conversation is over.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: tcpsock.go. Man: tcp(7).

use shared::cube_roots::conversation;
use shared::harness::report::Report;
use shared::linux::endpoint;
use shared::linux::network::Network;

use crate::loopback::interface;

#[derive(clap::Args)]
pub struct Args {
    /// How many clients there are at one time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: u16,
}

/// The conversation prints its lines itself, from several threads.
pub fn run(args: &Args, _: &mut Report) -> anyhow::Result<()> {
    interface::needed()?;
    let listener = endpoint::listen(Network::Tcp, "127.0.0.1:0", 4096, 1)?;
    conversation::hold(listener, args.clients)
}
