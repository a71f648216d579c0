//! Note: LocalAddr和RemoteAddr方法.

use shared::harness::claims::{Check, Seen, seen};
use socket2::Protocol;

use crate::addresses;

pub const CHECKS: &[Check] = &[(189, both_ends_are_told)];

fn both_ends_are_told() -> anyhow::Result<Seen> {
    let ends = addresses::two_ends()?;
    let agree = ends.client_local == ends.server_remote && ends.client_remote == ends.server_local;
    let differ = ends.client_local != ends.server_local;
    Ok(Seen::holds(agree && differ && ends.protocol == Protocol::TCP, seen(&ends)))
}
