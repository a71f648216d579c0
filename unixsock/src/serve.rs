//! A server for this machine alone: nobody else can connect, and who does can be asked who they are.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (字面量 "unix", "unixpacket"). Go: `net.Listen`. Man: unix(7).

use shared::cube_roots::serve;
use shared::harness::report::Report;

use crate::address::Address;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    serve: serve::Args,
    /// Refuse whoever does not run as this user (any number of times) [default: serve all]
    #[arg(long, value_name = "UID")]
    allow_uid: Vec<u32>,
}

pub fn run(args: &Args, verbose: bool, out: &mut Report) -> anyhow::Result<()> {
    let (network, address) = (args.address.network("listen")?, args.address.to_listen()?);
    serve::run(network, &address, &args.serve, &args.allow_uid, verbose, out)
}
