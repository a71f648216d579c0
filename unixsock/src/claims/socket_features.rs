//! Note: Socket的基本特征.

use nix::errno::Errno;
use shared::harness::claims::{Check, Seen, seen};
use shared::linux::answer::{OK, Outcome};
use shared::linux::network::Network;

use crate::{boundaries, names};

pub const CHECKS: &[Check] = &[
    (141, the_address_is_a_path),
    (212, one_machines),
    (143, seqpacket_is_a_stream),
    (213, a_stream_has_none),
    (144, a_stream_has_boundaries),
];

fn the_address_is_a_path() -> anyhow::Result<Seen> {
    let (path, name) = (names::a_path()?, names::a_name_without_a_file()?);
    let as_noted = path.is_file && path.connect == OK;
    let exception = !name.is_file && name.connect == OK;
    Ok(Seen::imprecise(as_noted, exception, format!("{}; {}", seen(&path), seen(&name))))
}

/// A path reaches also where no network leads; a name without a file is of one network only.
fn one_machines() -> anyhow::Result<Seen> {
    let elsewhere = names::from_another_network()?;
    let exception = elsewhere.name_connect == Outcome::Failed(Errno::ECONNREFUSED);
    Ok(Seen::imprecise(elsewhere.path_connect == OK, exception, seen(&elsewhere)))
}

/// A stream of bytes would give the rest of a message to the next read.
fn seqpacket_is_a_stream() -> anyhow::Result<Seen> {
    let records = boundaries::short_reads(Network::Unixpacket)?;
    let cut = records.read_data() == ["hel", "wor"] && records.received_messages.iter().all(|read| read.truncated);
    Ok(Seen::refuted(cut, records.evidence()))
}

fn a_stream_has_none() -> anyhow::Result<Seen> {
    let [datagrams, stream] = [Network::Unixgram, Network::Unix].map(boundaries::three_writes);
    let (datagrams, stream) = (datagrams?, stream?);
    let apart = datagrams.read_data() == datagrams.sent_texts;
    let evidence = format!("{}; {}", datagrams.evidence(), stream.evidence());
    Ok(Seen::holds(apart && stream.read_data() == [stream.sent_texts.concat()], evidence))
}

fn a_stream_has_boundaries() -> anyhow::Result<Seen> {
    let stream = boundaries::three_writes(Network::Unix)?;
    Ok(Seen::refuted(stream.read_data() == [stream.sent_texts.concat()], stream.evidence()))
}
