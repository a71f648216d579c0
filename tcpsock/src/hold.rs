//! A listener that outlives its servers.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: `net.Listen`, `net.TCPListener.File`. Man: listen(2), sd_listen_fds(3).

use shared::cube_roots::hold;
use shared::harness::report::Report;

use crate::address::Address;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    hold: hold::Args,
}

pub fn run(args: &Args, _: &mut Report) -> anyhow::Result<()> {
    hold::run(args.address.network("listen")?, args.address.address(), &args.hold)
}
