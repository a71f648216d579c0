//! A server to put on a network.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: `net.Listen`, `net.Listener.Accept`. Man: tcp(7), listen(2).

use shared::cube_roots::serve;
use shared::harness::report::Report;

use crate::address::Address;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    serve: serve::Args,
}

pub fn run(args: &Args, verbose: bool, out: &mut Report) -> anyhow::Result<()> {
    serve::run(args.address.network("listen")?, &args.address.address, &args.serve, &[], verbose, out)
}
