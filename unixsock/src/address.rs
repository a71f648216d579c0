//! Where to listen or to dial: the options that the commands share.

use std::path::PathBuf;

use shared::harness::report::Failure;
use shared::linux::network::Network;

#[derive(clap::Args)]
pub struct Address {
    /// A path, or @name without a file [default: unixsock.sock in $XDG_RUNTIME_DIR or, with the UID, in
    /// the temporary folder]
    #[arg(long, value_name = "PATH|@NAME")]
    address: Option<String>,
    /// unix (a stream) or unixpacket (a message a record), as Go's net package takes them
    #[arg(long, value_name = "NETWORK", default_value = "unix")]
    network: String,
}

impl Address {
    /// The address, or where the programs of one user meet without one.
    pub fn address(&self) -> String {
        self.address.clone().unwrap_or_else(|| meeting_place().display().to_string())
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

fn meeting_place() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder).join("unixsock.sock"),
        None => std::env::temp_dir().join(format!("unixsock-{}.sock", nix::unistd::Uid::effective())),
    }
}
