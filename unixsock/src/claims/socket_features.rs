//! Note: Socket的基本特征.

use shared::harness::claims::{Check, Seen, seen};
use shared::linux::answer::OK;
use shared::linux::network::Network;

use crate::{boundaries, names};

pub const CHECKS: &[Check] =
    &[(141, the_address_is_a_path), (143, seqpacket_is_a_stream), (144, a_stream_has_boundaries)];

fn the_address_is_a_path() -> anyhow::Result<Seen> {
    let (path, name) = (names::a_path()?, names::a_name_without_a_file()?);
    let as_noted = path.is_file && path.connect == OK;
    let exception = !name.is_file && name.connect == OK;
    Ok(Seen::imprecise(as_noted, exception, format!("{}; {}", seen(&path), seen(&name))))
}

/// A stream of bytes would give the rest of a message to the next read.
fn seqpacket_is_a_stream() -> anyhow::Result<Seen> {
    let records = boundaries::short_reads(Network::Unixpacket)?;
    let cut = records.read_data() == ["hel", "wor"] && records.received_messages.iter().all(|read| read.truncated);
    Ok(Seen::refuted(cut, records.evidence()))
}

fn a_stream_has_boundaries() -> anyhow::Result<Seen> {
    let stream = boundaries::three_writes(Network::Unix)?;
    Ok(Seen::refuted(stream.read_data() == [stream.sent_texts.concat()], stream.evidence()))
}
