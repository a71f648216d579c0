//! The connections of a load, made one after the other.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::time::Duration;

use anyhow::Context;
use socket2::Socket;

use crate::linux::endpoint;
use crate::linux::network::Network;
use crate::linux::stdio::complain;

/// Makes them all. If the server stops in the meantime, the rest are missing: those that stand are still to be told
/// what became of them.
pub(super) fn all(
    network: Network,
    address: &OsStr,
    count: u32,
    timeout: Duration,
    allowed: &[u32],
) -> anyhow::Result<Vec<Socket>> {
    let mut sockets = Vec::new();
    for nth in 0..count {
        let socket = match endpoint::dial(network, address, timeout) {
            Err(error) if nth > 0 && is_refusal(&error) => {
                complain(&error.context(format!("connection {nth}")));
                break;
            }
            socket => socket?,
        };
        let named = || format!("dial {network} {}", address.display());
        endpoint::check_server(&socket, allowed).with_context(named)?;
        sockets.push(socket);
    }
    Ok(sockets)
}

/// Nobody listens there any more.
fn is_refusal(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>().map(io::Error::kind);
    matches!(cause, Some(ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::NotFound))
}
