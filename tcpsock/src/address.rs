//! Where to listen or to dial: the options that `serve`, `client` and `load` share.

use std::ffi::OsStr;

use shared::harness::offers::Offers;
use shared::linux::failure::Failure;
use shared::linux::network::Network;

const NETWORKS: [Network; 3] = [Network::Tcp, Network::Tcp4, Network::Tcp6];

/// The help of the address, for those who dial.
pub const TO_DIAL: &str =
    "The server: a number or a name as the port; no host is this machine [default: 127.0.0.1:8085]";

#[derive(clap::Args)]
pub struct Address {
    /// Where: a number or a name as the port, 0 or none for any free one; no host is every address of this machine
    /// [default: 127.0.0.1:8085]
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// tcp, tcp4 or tcp6, as Go's net package takes them
    #[arg(long, value_name = "NETWORK", default_value = "tcp", hide_possible_values = true,
        value_parser = Offers(|| NETWORKS.map(|network| network.name().into()).into()))]
    network: String,
}

impl Address {
    pub fn address(&self) -> &str {
        self.address.as_deref().unwrap_or("127.0.0.1:8085")
    }

    /// The address, if it was said.
    pub fn given(&self) -> Option<&OsStr> {
        self.address.as_deref().map(OsStr::new)
    }

    /// The network, or Go's words for why it is none: `listen TCP: unknown network TCP`.
    pub fn network(&self, what: &str) -> Result<Network, Failure> {
        Network::one_of(&NETWORKS, &self.network, what, "tcpsock")
    }
}
