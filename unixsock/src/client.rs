//! A client for scripts.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (Dial). Go: `net.Dial("unix", …)`. Man: unix(7), connect(2).

use shared::cube_roots::ask;
use shared::harness::report::Report;

use crate::address::Address;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    ask: ask::Args,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let (network, server) = (args.address.network("dial")?, args.address.to_dial()?);
    ask::run(network, &server.address, &args.ask, &server.allowed, out)
}
