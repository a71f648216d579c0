//! The connections of a load, made one after the other.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};

use anyhow::Context;

use super::{Args, Load};
use crate::linux::endpoint;
use crate::linux::network::Network;
use crate::linux::stdio::narrate;

/// Makes them all. If the server stops in the meantime, those that are missing count as errors: the others are still
/// to be told what became of them.
pub(super) fn all(
    load: &mut Load<'_>,
    network: Network,
    address: &(impl AsRef<OsStr> + ?Sized),
    args: &Args,
    allowed: &[u32],
) -> anyhow::Result<()> {
    for nth in 0..args.connections {
        let socket = match endpoint::dial(network, address, args.dial_timeout) {
            Err(error) if nth > 0 && is_refusal(&error) => {
                narrate(format_args!("connection {nth}: {error:#}"));
                load.errors += u64::from(args.connections - nth);
                return Ok(());
            }
            socket => socket?,
        };
        let named = || format!("dial {network} {}", address.as_ref().display());
        endpoint::check_server(&socket, allowed).with_context(named)?;
        load.add(socket, nth as usize)?;
    }
    Ok(())
}

/// Nobody listens there any more.
fn is_refusal(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>().map(io::Error::kind);
    matches!(cause, Some(ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::NotFound))
}
