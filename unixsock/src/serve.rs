//! A server for this machine alone: nobody else can connect, and who does can be asked who they are.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (字面量 "unix", "unixpacket"). Go: `net.Listen`. Man: unix(7).

use std::slice;

use shared::cube_roots::serve::{self, Place};
use shared::harness::report::Report;
use shared::linux::endpoint;
use shared::linux::network::Network;

use crate::address::{Address, NETWORKS};

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
    let (inherited, given) = (args.serve.inherited()?, args.address.given_network("listen")?);
    let place = match inherited {
        Some(socket) => {
            let networks = given.as_ref().map_or(&NETWORKS[..], slice::from_ref);
            Place::Inherited(endpoint::inherit(socket, networks, args.address.given())?)
        }
        None => Place::Address(given.unwrap_or(Network::Unix), args.address.to_listen()?),
    };
    serve::run(place, &args.serve, &args.allow_uid, verbose, out)
}
