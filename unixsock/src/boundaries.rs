//! Stream, datagram and seqpacket side by side: what one read returns of what three writes sent.
//!
//! The note calls SEQPACKET a byte stream (claim 143), STREAM one with logical boundaries (claim 144), and
//! datagrams unordered and unreliable (claim 145). In the Unix domain the kernel shows otherwise.
//!
//! Note: Socket的基本特征 (the table of types). Go: "unix", "unixgram", "unixpacket". Man: unix(7), recv(2).

mod observation;

use std::mem::MaybeUninit;

use anyhow::Context;
use nix::errno::Errno;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;
use shared::linux::network::Network::{self, Unix, Unixgram, Unixpacket};
use shared::linux::readiness::{Ready, nonblocking, write};
use socket2::{Domain, MaybeUninitSlice, Socket};

use observation::{Observation, Queue, Read};

#[derive(Default, clap::Args)]
pub struct Args {}

/// The three types.
const NETWORKS: [Network; 3] = [Unix, Unixgram, Unixpacket];

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    for network in NETWORKS {
        out.record(&three_writes(network)?)?;
    }
    for network in NETWORKS {
        out.record(&short_reads(network)?)?;
    }
    for network in NETWORKS {
        let [empty, end] = an_empty_record_and_the_end(network)?;
        out.record(&empty)?;
        out.record(&end)?;
    }
    out.record(&a_full_queue()?)
}

/// One read that could take all three.
pub fn three_writes(network: Network) -> anyhow::Result<Observation> {
    let sent = vec!["one", "two", "three"];
    let (writer, reader) = pair(network)?;
    send_all(&writer, &sent)?;
    let read = read_until_eagain(&reader, 64)?;
    Ok(Observation::new(network, "three writes", sent, read, 144))
}

/// Reads of three bytes: a stream hands the rest to the next read, a record loses it, and only the flag tells.
pub fn short_reads(network: Network) -> anyhow::Result<Observation> {
    let sent = vec!["hello", "world"];
    let (writer, reader) = pair(network)?;
    send_all(&writer, &sent)?;
    let read = read_until_eagain(&reader, 3)?;
    Ok(Observation::new(network, "reads of 3 bytes", sent, read, 143))
}

/// A read of nothing is the end of a stream; of records it may be an empty one, with more behind it.
fn an_empty_record_and_the_end(network: Network) -> anyhow::Result<[Observation; 2]> {
    let sent = vec!["", "after"];
    let (writer, reader) = pair(network)?;
    send_all(&writer, &sent)?;
    let read = read_until_eagain(&reader, 64)?;
    let empty = Observation::new(network, "an empty message", sent, read, 143);
    drop(writer);
    let read = read_one(&reader, 64)?.into_iter().collect();
    Ok([empty, Observation::new(network, "after the close", vec![], read, 143)])
}

/// The writer is told to wait, instead of a datagram being dropped as UDP would.
fn a_full_queue() -> anyhow::Result<Queue> {
    let (writer, reader) = pair(Unixgram)?;
    let mut queued = 0;
    while let Ready::Done(_) = write(&writer, queued.to_string().as_bytes()).context("write unixgram")? {
        queued += 1;
    }
    let read = read_until_eagain(&reader, 64)?;
    let received_in_order = read.iter().enumerate().take_while(|(nth, read)| read.data == nth.to_string()).count();
    Ok(Queue {
        network: Unixgram.name(),
        kind: format!("{:?}", Unixgram.kind()),
        shows: "a full queue",
        sent: queued,
        next_send: Outcome::Failed(Errno::EAGAIN),
        in_order: received_in_order,
        claim: 145,
    })
}

fn pair(network: Network) -> anyhow::Result<(Socket, Socket)> {
    let pair = Socket::pair(Domain::UNIX, network.kind().nonblocking(), network.protocol());
    pair.with_context(|| format!("socketpair {network}"))
}

fn send_all(writer: &Socket, messages: &[&str]) -> anyhow::Result<()> {
    messages.iter().try_for_each(|message| write(writer, message.as_bytes()).map(drop).context("write"))
}

fn read_until_eagain(reader: &Socket, size: usize) -> anyhow::Result<Vec<Read>> {
    std::iter::from_fn(|| read_one(reader, size).transpose()).collect()
}

/// What one recvmsg(2) with a buffer of `size` bytes returned; nothing for EAGAIN.
fn read_one(reader: &Socket, size: usize) -> anyhow::Result<Option<Read>> {
    // ANCHOR: read
    let mut buffer = vec![MaybeUninit::<u8>::uninit(); size];
    let read = nonblocking("recvmsg", reader, || {
        let (count, flags) = reader.recv_vectored(&mut [MaybeUninitSlice::new(&mut buffer)])?;
        Ok((count, flags.is_truncated()))
    });
    let Ready::Done((count, truncated)) = read.context("recvmsg")? else { return Ok(None) };
    // ANCHOR_END: read
    // SAFETY: recvmsg(2) has written the first `count` bytes.
    #[allow(unsafe_code, reason = "socket2 reads into uninitialised memory")]
    let bytes: Vec<u8> = buffer[..count].iter().map(|byte| unsafe { byte.assume_init() }).collect();
    Ok(Some(Read { data: String::from_utf8_lossy(&bytes).into_owned(), truncated }))
}
