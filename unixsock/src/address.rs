//! Where to listen or to dial: the options that the commands share.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;
use shared::harness::offers::Offers;
use shared::linux::failure::Failure;
use shared::linux::network::Network;

use crate::meeting_place;

/// What has connections.
pub const NETWORKS: [Network; 2] = [Network::Unix, Network::Unixpacket];

#[derive(clap::Args)]
pub struct Address {
    /// A path, or @name without a file [default: unixsock.sock in $XDG_RUNTIME_DIR, in /run/user/UID or in
    /// unixsock-UID in the temporary folder; there a server of another user is not trusted]
    #[arg(long, value_name = "PATH|@NAME")]
    address: Option<PathBuf>,
    /// unix (a stream) or unixpacket (a message a record), as Go's net package takes them [default: unix]
    #[arg(long, value_name = "NETWORK", hide_possible_values = true,
        value_parser = Offers(|| NETWORKS.map(|network| network.name().into()).into()))]
    network: Option<String>,
}

/// Where a server is, and the users that it may run as; all if there are none.
pub struct Server {
    pub address: OsString,
    pub allowed: Vec<u32>,
}

impl Address {
    /// The address, or where the programs of one user meet without one.
    pub fn to_listen(&self) -> anyhow::Result<OsString> {
        Ok(self.address.clone().map_or_else(meeting_place::to_listen, Ok)?.into())
    }

    /// The address, if it was said.
    pub fn given(&self) -> Option<&OsStr> {
        self.address.as_deref().map(Path::as_os_str)
    }

    /// Whoever does not say where trusts that it is a server of ours, or of root, who may do everything anyway.
    pub fn to_dial(&self) -> anyhow::Result<Server> {
        match self.address.clone() {
            Some(address) => Ok(Server { address: address.into(), allowed: vec![] }),
            None => {
                Ok(Server { address: meeting_place::to_dial()?.into(), allowed: vec![Uid::effective().as_raw(), 0] })
            }
        }
    }

    /// The network, or Go's words for why it is none.
    pub fn network(&self, what: &str) -> Result<Network, Failure> {
        self.given_network(what).map(|given| given.unwrap_or(Network::Unix))
    }

    /// The network, if it was said.
    pub fn given_network(&self, what: &str) -> Result<Option<Network>, Failure> {
        let one = |literal| Network::one_of(&NETWORKS, literal, what, "unixsock");
        self.network.as_deref().map(one).transpose()
    }
}
