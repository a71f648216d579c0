//! A load for a server, to see how much a path saves over TCP.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (并发). Go: a goroutine per `net.Dial`. Man: epoll(7).

use shared::cube_roots::load;
use shared::harness::report::Report;

use crate::address::Address;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    load: load::Args,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let (network, server) = (args.address.network("dial")?, args.address.to_dial()?);
    load::run(network, &server.address, &args.load, &server.allowed, out)
}
