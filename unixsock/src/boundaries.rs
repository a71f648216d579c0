//! Stream, datagram and seqpacket side by side: what one read returns of what three writes sent.
//!
//! The note calls SEQPACKET a byte stream (claim 143), STREAM one with logical boundaries (claim 144), and
//! datagrams unordered and unreliable (claim 145). In the Unix domain the kernel shows otherwise.
//!
//! Note: Socket的基本特征 (the table of types). Go: "unix", "unixgram", "unixpacket". Man: unix(7), recv(2).

use std::fmt;
use std::io;
use std::mem::MaybeUninit;

use serde::Serialize;
use shared::harness::claims::{Check, Seen};
use shared::harness::report::Report;
use shared::linux::readiness::{Ready, nonblocking, write};
use socket2::{Domain, MaybeUninitSlice, Socket, Type};

#[derive(clap::Args)]
pub struct Args {
    /// Print lines of JSON
    #[arg(long)]
    pub json: bool,
}

pub const CHECKS: &[Check] =
    &[(143, seqpacket_is_a_stream), (144, a_stream_has_boundaries), (159, what_can_be_listened_on_is_a_stream)];

/// The three types in Go's words and the kernel's.
const TYPES: [(&str, Type); 3] = [("unix", Type::STREAM), ("unixgram", Type::DGRAM), ("unixpacket", Type::SEQPACKET)];

/// What was sent on one type of socket, and what each read returned.
#[derive(Serialize)]
struct Observation {
    network: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    shows: &'static str,
    sent: Vec<&'static str>,
    read: Vec<Read>,
    claim: u8,
}

/// What one read returned.
#[derive(Serialize)]
struct Read {
    data: String,
    truncated: bool,
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Observation { network, kind, shows, claim, .. } = self;
        write!(f, "{network} {kind}, {shows}: sent{}; read{} [claim {claim}]", Sent(&self.sent), Reads(&self.read))
    }
}

struct Sent<'a>(&'a [&'a str]);

impl fmt::Display for Sent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|message| write!(f, " {message:?}"))
    }
}

struct Reads<'a>(&'a [Read]);

impl fmt::Display for Reads<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let truncated = |read: &Read| if read.truncated { " (MSG_TRUNC)" } else { "" };
        self.0.iter().try_for_each(|read| write!(f, " {:?}{}", read.data, truncated(read)))
    }
}

impl Observation {
    fn read_data(&self) -> Vec<&str> {
        self.read.iter().map(|read| &*read.data).collect()
    }

    /// What was seen, without what the note says of it.
    fn evidence(&self) -> String {
        format!("{}, {}: sent{}, read{}", self.kind, self.shows, Sent(&self.sent), Reads(&self.read))
    }
}

/// What became of datagrams that nobody read.
#[derive(Serialize)]
struct Queue {
    network: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    shows: &'static str,
    queued: usize,
    then: &'static str,
    received_in_order: usize,
    claim: u8,
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Queue { network, kind, shows, queued, then, received_in_order, claim } = self;
        write!(f, "{network} {kind}, {shows}: {queued} queued, then {then}; ")?;
        write!(f, "{received_in_order} received in order [claim {claim}]")
    }
}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    for (network, kind) in TYPES {
        out.record(&three_writes(network, kind)?)?;
    }
    for (network, kind) in TYPES {
        out.record(&short_reads(network, kind)?)?;
    }
    for (network, kind) in TYPES {
        an_empty_record_and_the_end(network, kind, out)?;
    }
    a_full_queue(out)
}

/// One read that could take all three.
fn three_writes(network: &'static str, kind: Type) -> io::Result<Observation> {
    let sent = vec!["one", "two", "three"];
    let (writer, reader) = pair(kind)?;
    send_all(&writer, &sent)?;
    let read = read_until_eagain(&reader, 64)?;
    Ok(Observation { network, kind: name(kind), shows: "three writes", sent, read, claim: 144 })
}

fn a_stream_has_boundaries() -> anyhow::Result<Seen> {
    let stream = three_writes("unix", Type::STREAM)?;
    Ok(Seen::refuted(stream.read_data() == ["onetwothree"], stream.evidence()))
}

fn what_can_be_listened_on_is_a_stream() -> anyhow::Result<Seen> {
    let (stream, records) = (three_writes("unix", Type::STREAM)?, three_writes("unixpacket", Type::SEQPACKET)?);
    let evidence = format!("{}; {}", stream.evidence(), records.evidence());
    Ok(Seen::imprecise(stream.read_data() == ["onetwothree"], records.read_data() == records.sent, evidence))
}

/// Reads of three bytes: a stream hands the rest to the next read, a record loses it, and only the flag tells.
fn short_reads(network: &'static str, kind: Type) -> io::Result<Observation> {
    let sent = vec!["hello", "world"];
    let (writer, reader) = pair(kind)?;
    send_all(&writer, &sent)?;
    let read = read_until_eagain(&reader, 3)?;
    Ok(Observation { network, kind: name(kind), shows: "reads of 3 bytes", sent, read, claim: 143 })
}

/// One of bytes would give the rest of a message to the next read.
fn seqpacket_is_a_stream() -> anyhow::Result<Seen> {
    let records = short_reads("unixpacket", Type::SEQPACKET)?;
    let cut = records.read_data() == ["hel", "wor"] && records.read.iter().all(|read| read.truncated);
    Ok(Seen::refuted(cut, records.evidence()))
}

/// A read of nothing is the end of a stream; of records it may be an empty one, with more behind it.
fn an_empty_record_and_the_end(network: &'static str, kind: Type, out: &mut Report) -> anyhow::Result<()> {
    let sent = vec!["", "after"];
    let (writer, reader) = pair(kind)?;
    send_all(&writer, &sent)?;
    let read = read_until_eagain(&reader, 64)?;
    out.record(&Observation { network, kind: name(kind), shows: "an empty message", sent, read, claim: 143 })?;
    drop(writer);
    let read = read_one(&reader, 64)?.into_iter().collect();
    out.record(&Observation { network, kind: name(kind), shows: "after the close", sent: vec![], read, claim: 143 })
}

/// The writer is told to wait, instead of a datagram being dropped as UDP would.
fn a_full_queue(out: &mut Report) -> anyhow::Result<()> {
    let (writer, reader) = pair(Type::DGRAM)?;
    let mut queued = 0;
    while let Ready::Done(_) = write(&writer, queued.to_string().as_bytes())? {
        queued += 1;
    }
    let read = read_until_eagain(&reader, 64)?;
    let received_in_order = read.iter().enumerate().take_while(|(nth, read)| read.data == nth.to_string()).count();
    let kind = name(Type::DGRAM);
    let shows = "a full queue";
    out.record(&Queue { network: "unixgram", kind, shows, queued, then: "EAGAIN", received_in_order, claim: 145 })
}

fn pair(kind: Type) -> io::Result<(Socket, Socket)> {
    Socket::pair(Domain::UNIX, kind.nonblocking(), None)
}

fn send_all(writer: &Socket, messages: &[&str]) -> io::Result<()> {
    messages.iter().try_for_each(|message| write(writer, message.as_bytes()).map(drop))
}

fn read_until_eagain(reader: &Socket, size: usize) -> io::Result<Vec<Read>> {
    std::iter::from_fn(|| read_one(reader, size).transpose()).collect()
}

// ANCHOR: read
/// What one recvmsg(2) with a buffer of `size` bytes returned; nothing for EAGAIN.
fn read_one(reader: &Socket, size: usize) -> io::Result<Option<Read>> {
    let mut buffer = vec![MaybeUninit::<u8>::uninit(); size];
    let read = nonblocking("recvmsg", reader, || {
        let (count, flags) = reader.recv_vectored(&mut [MaybeUninitSlice::new(&mut buffer)])?;
        Ok((count, flags.is_truncated()))
    })?;
    let Ready::Done((count, truncated)) = read else { return Ok(None) };
    // SAFETY: recvmsg(2) has written the first `count` bytes.
    #[allow(unsafe_code, reason = "socket2 reads into uninitialised memory")]
    let bytes: Vec<u8> = buffer[..count].iter().map(|byte| unsafe { byte.assume_init() }).collect();
    Ok(Some(Read { data: String::from_utf8_lossy(&bytes).into_owned(), truncated }))
}
// ANCHOR_END: read

fn name(kind: Type) -> &'static str {
    match kind {
        Type::STREAM => "SOCK_STREAM",
        Type::DGRAM => "SOCK_DGRAM",
        _ => "SOCK_SEQPACKET",
    }
}
