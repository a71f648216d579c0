//! A deadline is an instant: it holds for every call until it is moved, whatever has come by then.
//!
//! The kernel's own timeouts (`SO_RCVTIMEO`) begin anew with each call, so a peer that sends a byte now and
//! then holds its reader for ever. Here a peer trickles like that, and each sort of limit meets it.
//!
//! Note: SetDeadline、SetReadDeadline、SetWriteDeadline方法. Go: `net.Conn.SetDeadline`, `net.DialTimeout`.
//! Man: socket(7), connect(2), listen(2).

pub mod directions;
mod moved;
mod trickle;

use std::io::Read;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use shared::cube_roots::client::DeadlineSocket;
use shared::harness::report::Report;
use shared::linux::answer::{Error, Outcome};
use shared::linux::endpoint;
use shared::linux::failure::Failure;
use shared::linux::network::Network;
use shared::linux::readiness::restart;

use moved::FAR;

use crate::connect::backlog::Full;
pub use crate::experiment::DeadlineArgs as Args;
use crate::experiment::{milliseconds, record};
use crate::loopback::connection;

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let limit = args.deadline;
    out.pairs(&absolute(limit)?)?;
    out.pairs(&renewed(limit)?)?;
    out.pairs(&passed(limit)?)?;
    out.pairs(&relative(limit)?)?;
    out.pairs(&past()?)?;
    out.pairs(&cancelled(limit)?)?;
    out.pairs(&directions::of_writing(limit)?)?;
    out.pairs(&directions::each_by_itself(limit)?)?;
    out.pairs(&moved::meanwhile(limit)?)?;
    out.pairs(&of_dialling(limit)?)
}

/// How a loop of reads ended.
#[derive(Serialize)]
struct ReadOn {
    step: &'static str,
    limit_ms: u64,
    elapsed_ms: u64,
    received: usize,
    read: Outcome,
    #[serde(flatten)]
    next: Option<Next>,
}

/// One more read after that.
#[derive(Serialize)]
struct Next {
    next_read: Outcome,
    next_ms: u64,
}

/// Set once: the bytes that come do not move it.
fn absolute(limit: Duration) -> anyhow::Result<ReadOn> {
    trickle::beside(limit / 8, |mut socket| {
        socket.set_deadline(Some(Instant::now() + limit));
        let seen = read_on("absolute", limit, || try_read(&mut socket))?;
        let again = Instant::now();
        let next_read = try_read(&mut socket)?;
        Ok(ReadOn { next: Some(Next { next_read, next_ms: milliseconds(again.elapsed()) }), ..seen })
    })
}

// ANCHOR: renewed
/// Set before each read, as the note's loop does.
fn renewed(limit: Duration) -> anyhow::Result<ReadOn> {
    trickle::beside(limit / 8, |mut socket| {
        read_on("renewed", limit, || {
            socket.set_deadline(Some(Instant::now() + limit));
            try_read(&mut socket)
        })
    })
}
// ANCHOR_END: renewed

/// The kernel's: set once too, and yet each call has it anew.
fn relative(limit: Duration) -> anyhow::Result<ReadOn> {
    trickle::beside(limit / 8, |socket| {
        let mut socket = socket.socket();
        socket.set_read_timeout(Some(limit)).context("SO_RCVTIMEO")?;
        read_on("SO_RCVTIMEO", limit, || {
            Outcome::by_deadline(restart(|| socket.read(&mut [0]))).context("read beside a trickle")
        })
    })
}

/// Reads byte by byte until a read fails, or twice the limit has passed without that.
fn read_on(
    step: &'static str,
    limit: Duration,
    mut read: impl FnMut() -> anyhow::Result<Outcome>,
) -> anyhow::Result<ReadOn> {
    let (start, mut received) = (Instant::now(), 0);
    let read = loop {
        match read()? {
            Outcome::Done(count @ 1..) if start.elapsed() <= 2 * limit => received += count,
            last => break last,
        }
    };
    let (limit_ms, elapsed_ms) = (milliseconds(limit), milliseconds(start.elapsed()));
    Ok(ReadOn { step, limit_ms, elapsed_ms, received, read, next: None })
}

/// Reads one byte.
fn try_read(socket: &mut DeadlineSocket) -> anyhow::Result<Outcome> {
    Outcome::by_deadline(socket.read(&mut [0])).context("read beside a trickle")
}

// Three reads with data behind the first.
record! { "passed", Passed {
    limit_ms: u64,
    read: Outcome,
    sent_then: usize,
    next_read: Outcome,
    read_after_setting_again: Outcome,
} }

/// It holds for what comes after it has passed, until it is set again.
pub fn passed(limit: Duration) -> anyhow::Result<Passed> {
    let (ours, theirs) = connection()?;
    let same = ours.duplicate()?;
    let mut socket = DeadlineSocket::new(ours.socket);
    socket.set_deadline(Some(Instant::now() + limit));
    let read = directions::try_read(&mut socket)?;
    let sent_then = theirs.write(b"late")?;
    same.socket.set_read_timeout(None).context("SO_RCVTIMEO")?;
    same.peek()?;
    let next_read = directions::try_read(&mut socket)?;
    socket.set_deadline(Some(Instant::now() + FAR));
    let read_after_setting_again = directions::try_read(&mut socket)?;
    Ok(Passed { limit_ms: milliseconds(limit), read, sent_then, next_read, read_after_setting_again })
}

// Reads and a write under a deadline in the past.
record!("past", Past { buffered: usize, read: Outcome, read_of_nothing: Outcome, write: Outcome });

/// Fails at once though data are there, and so does the other direction; but not a read that asks for nothing.
fn past() -> anyhow::Result<Past> {
    let (ours, theirs) = connection()?;
    theirs.write(b"data")?;
    let buffered = ours.peek()?;
    let mut socket = DeadlineSocket::new(ours.socket);
    socket.set_deadline(Some(Instant::now()));
    let read_of_nothing = Outcome::by_deadline(socket.read(&mut [])).context("read of nothing")?;
    let (read, write) = (directions::try_read(&mut socket)?, directions::try_write(&mut socket, b"data")?);
    Ok(Past { buffered, read, read_of_nothing, write })
}

// A read that waits past the deadline that there was.
record!("cancelled", Cancelled { limit_ms: u64, elapsed_ms: u64, read: Outcome });

/// Set and taken back: a read waits for a byte that comes later.
pub fn cancelled(limit: Duration) -> anyhow::Result<Cancelled> {
    trickle::beside(2 * limit, |mut socket| {
        let start = Instant::now();
        socket.set_deadline(Some(start + limit));
        socket.set_deadline(None);
        let read = try_read(&mut socket)?;
        Ok(Cancelled { limit_ms: milliseconds(limit), elapsed_ms: milliseconds(start.elapsed()), read })
    })
}

record!("dial", GivenUp { limit_ms: u64, elapsed_ms: u64, queued: usize, dial: Error<String> });

/// A host whose backlog is full drops the SYN, as a host that is not there would.
fn of_dialling(limit: Duration) -> anyhow::Result<GivenUp> {
    let full = Full::new(0)?;
    let address = endpoint::shown(&full.listener.address()?);
    let start = Instant::now();
    let Err(error) = endpoint::dial(Network::Tcp, &address, limit) else {
        return Err(Failure::CannotShow("a listener whose backlog is full takes a connection".to_owned()).into());
    };
    let elapsed_ms = milliseconds(start.elapsed());
    // Nobody answered in time, and that is to be seen: whatever else failed is not.
    match error.downcast_ref() {
        Some(Failure::Deadline(said)) => Ok(GivenUp {
            limit_ms: milliseconds(limit),
            elapsed_ms,
            queued: full.clients.len(),
            dial: Error { error: said.clone() },
        }),
        _ => Err(error),
    }
}
