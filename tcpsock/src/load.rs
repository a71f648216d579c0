//! A load for a server, to see what it holds and how fast.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (并发). Go: a goroutine per `net.Dial`. Man: epoll(7).

use shared::cube_roots::load;
use shared::harness::report::Report;

use crate::address::{Address, TO_DIAL};

#[derive(clap::Args)]
#[command(mut_arg("address", |address| address.help(TO_DIAL)))]
pub struct Args {
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    load: load::Args,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    load::run(args.address.network("dial")?, args.address.address(), &args.load, &[], out)
}
