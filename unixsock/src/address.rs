//! Where to listen or to dial: the options that the commands share.

use std::ffi::OsString;

use nix::unistd::Uid;
use shared::harness::offers::Offers;
use shared::linux::failure::Failure;
use shared::linux::network::Network;

use crate::meeting_place;

#[derive(clap::Args)]
pub struct Address {
    /// A path, or @name without a file [default: unixsock.sock in $XDG_RUNTIME_DIR, in /run/user/UID or in
    /// unixsock-UID in the temporary folder; there a server of another user is not trusted]
    #[arg(long, value_name = "PATH|@NAME")]
    address: Option<OsString>,
    /// unix (a stream) or unixpacket (a message a record), as Go's net package takes them
    #[arg(long, value_name = "NETWORK", default_value = "unix", hide_possible_values = true,
        value_parser = Offers(|| [Network::Unix, Network::Unixpacket].map(|network| network.name().into()).into()))]
    network: String,
}

/// Where a server is, and the users that it may run as; all if there are none.
pub struct Server {
    pub address: OsString,
    pub allowed: Vec<u32>,
}

impl Address {
    /// The address, or where the programs of one user meet without one.
    pub fn to_listen(&self) -> anyhow::Result<OsString> {
        self.address.clone().map_or_else(|| Ok(meeting_place::to_listen()?.into()), Ok)
    }

    /// Whoever does not say where trusts that it is a server of ours, or of root, who may do everything anyway.
    pub fn to_dial(&self) -> anyhow::Result<Server> {
        match self.address.clone() {
            Some(address) => Ok(Server { address, allowed: vec![] }),
            None => {
                Ok(Server { address: meeting_place::to_dial()?.into(), allowed: vec![Uid::effective().as_raw(), 0] })
            }
        }
    }

    /// The network, or Go's words for why it is none.
    pub fn network(&self, what: &str) -> Result<Network, Failure> {
        let usage = |why: &str| Failure::Usage(format!("{what} {}: {why}", self.network));
        match self.network.parse() {
            Ok(network @ (Network::Unix | Network::Unixpacket)) => Ok(network),
            Ok(_) => Err(usage("unexpected address type: unixsock takes unix and unixpacket")),
            Err(unknown) => Err(usage(&unknown.to_string())),
        }
    }
}
