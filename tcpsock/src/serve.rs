//! A server to put on a network.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: `net.Listen`, `net.Listener.Accept`. Man: tcp(7), listen(2).

use shared::cube_roots::serve::{self, Place};
use shared::harness::report::Report;
use shared::linux::endpoint;

use crate::address::Address;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    serve: serve::Args,
}

pub fn run(args: &Args, verbose: bool, out: &mut Report) -> anyhow::Result<()> {
    let (inherited, network) = (args.serve.inherited()?, args.address.network("listen")?);
    let place = match inherited {
        Some(socket) => Place::Inherited(endpoint::inherit(socket, &[network], args.address.given())?),
        None => Place::Address(network, args.address.address().into()),
    };
    serve::run(place, &args.serve, &[], verbose, out)
}
