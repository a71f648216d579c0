//! Note: Socket.

use shared::harness::claims::{Check, Seen, seen};
use shared::linux::answer::Outcome;
use shared::linux::failure::Failure;

use crate::names::network;

pub const CHECKS: &[Check] = &[(139, sockets_need_a_network)];

fn sockets_need_a_network() -> anyhow::Result<Seen> {
    let received = Outcome::Done(1);
    let with = network::reach(true)?;
    if with.tcp != received {
        return Err(Failure::CannotShow(format!("no network to do without: {}", seen(&with))).into());
    }
    let without = network::without()?;
    let evidence = format!("{}; {}", seen(&with), seen(&without));
    Ok(Seen::imprecise(without.tcp != received, without.unix == received, evidence))
}
