//! A client for scripts.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (Dial, DialTimeout). Go: `net.DialTimeout`. Man: connect(2).

use shared::cube_roots::ask;
use shared::harness::report::Report;

use crate::address::{Address, TO_DIAL};

#[derive(clap::Args)]
#[command(mut_arg("address", |address| address.help(TO_DIAL)))]
pub struct Args {
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    ask: ask::Args,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    ask::run(args.address.network("dial")?, args.address.address(), &args.ask, &[], out)
}
