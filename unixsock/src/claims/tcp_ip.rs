//! Note: 基于TCP/IP协议栈的Socket通讯.

use shared::harness::claims::{Check, Seen, seen};
use shared::linux::network::Network;

use crate::{boundaries, unixgram};

pub const CHECKS: &[Check] = &[(159, what_can_be_listened_on_is_a_stream), (167, unixgram_can_be_dialled)];

fn what_can_be_listened_on_is_a_stream() -> anyhow::Result<Seen> {
    let (stream, records) = (boundaries::three_writes(Network::Unix)?, boundaries::three_writes(Network::Unixpacket)?);
    let evidence = format!("{}; {}", stream.evidence(), records.evidence());
    let is_stream = stream.read_data() == [stream.sent_texts.concat()];
    Ok(Seen::imprecise(is_stream, records.read_data() == records.sent_texts, evidence))
}

fn unixgram_can_be_dialled() -> anyhow::Result<Seen> {
    let dialled = unixgram::dialled()?;
    Ok(Seen::holds(dialled.received_texts == dialled.sent_texts, seen(&dialled)))
}
