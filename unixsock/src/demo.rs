//! The conversation of the Go program over a fresh path, in one process; then the boundaries of messages.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (字面量 "unix"). Go: tcpsock.go with `net.Listen("unix", …)`. Man: unix(7).

use shared::cube_roots::conversation;
use shared::harness::report::Report;
use shared::linux::network::Network;
use shared::linux::{endpoint, shutdown};

use crate::boundaries;

#[derive(clap::Args)]
pub struct Args {
    /// So many clients at one time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: u16,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    shutdown::abort_on_signals(endpoint::remove_socket_files)?;
    let path = std::env::temp_dir().join(format!("unixsock-demo-{}.sock", std::process::id()));
    let listener = endpoint::listen(Network::Unix, &path.display().to_string(), 4096, 1)?;
    conversation::hold(listener, args.clients)?;
    boundaries::run(&boundaries::Args { json: false }, &mut Report::new(false))
}
