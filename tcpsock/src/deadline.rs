//! A deadline is an instant: it holds for every call until it is moved, whatever has come by then.
//!
//! The kernel's own timeouts (`SO_RCVTIMEO`) begin anew with each call, so a peer that sends a byte now and
//! then holds its reader for ever. Here a peer trickles like that, and each sort of limit meets it.
//!
//! Note: SetDeadline、SetReadDeadline、SetWriteDeadline方法. Go: `net.Conn.SetDeadline`, `net.DialTimeout`.
//! Man: socket(7), connect(2), listen(2).

use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use serde_json::{Value, json};
use shared::cube_roots::client::DeadlineSocket;
use shared::harness::claims::{Check, Seen, seen};
use shared::harness::report::Report;
use shared::linux::endpoint;
use shared::linux::failure::Failure;
use shared::linux::network::Network;
use shared::linux::readiness::{is_timeout, restart};
use shared::linux::thread::spawn_scoped;

use crate::experiment::{self, connection, milliseconds, outcome};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub options: experiment::Options,
    #[command(flatten)]
    limit: experiment::Limit,
}

/// So far ahead are the deadlines of the checks.
const SHORT: Duration = Duration::from_millis(50);

/// So far that nothing here takes as long.
const FAR: Duration = Duration::from_secs(10);

pub const CHECKS: &[Check] = &[
    (190, a_deadline_holds_until_it_is_set_again),
    (191, a_deadline_can_be_taken_back),
    (192, a_deadline_is_for_both_directions),
];

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let limit = args.limit.deadline;
    out.pairs(&absolute(limit)?)?;
    out.pairs(&renewed(limit)?)?;
    out.pairs(&passed(limit)?)?;
    out.pairs(&relative(limit)?)?;
    out.pairs(&past()?)?;
    out.pairs(&cancelled(limit)?)?;
    out.pairs(&of_writing(limit)?)?;
    out.pairs(&of_dialling(limit)?)
}

// ANCHOR: renewed
/// Set once: the bytes that come do not move it.
fn absolute(limit: Duration) -> anyhow::Result<Value> {
    beside_a_trickle(limit / 8, |socket| {
        socket.set_deadline(Some(Instant::now() + limit));
        let mut record = read_on("absolute", limit, || socket.read(&mut [0]))?;
        let again = Instant::now();
        record["next_read"] = outcome(&socket.read(&mut [0]))?;
        record["next_ms"] = milliseconds(again.elapsed()).into();
        Ok(record)
    })
}

/// Set before each read, as the note's loop does.
fn renewed(limit: Duration) -> anyhow::Result<Value> {
    beside_a_trickle(limit / 8, |socket| {
        read_on("renewed", limit, || {
            socket.set_deadline(Some(Instant::now() + limit));
            socket.read(&mut [0])
        })
    })
}
// ANCHOR_END: renewed

/// The kernel's: set once too, and yet each call has it anew.
fn relative(limit: Duration) -> anyhow::Result<Value> {
    beside_a_trickle(limit / 8, |socket| {
        let mut socket = socket.socket();
        socket.set_read_timeout(Some(limit))?;
        read_on("SO_RCVTIMEO", limit, || restart(|| socket.read(&mut [0])))
    })
}

/// It holds for what comes after it has passed, until it is set again.
fn passed(limit: Duration) -> anyhow::Result<Value> {
    let (ours, mut theirs) = connection()?;
    let mut socket = DeadlineSocket::new(ours);
    socket.set_deadline(Some(Instant::now() + limit));
    let empty = socket.read(&mut [0; 16]);
    let sent = theirs.write(b"late")?;
    socket.socket().set_read_timeout(None)?;
    socket.socket().peek(&mut [MaybeUninit::uninit(); 16])?;
    let late = socket.read(&mut [0; 16]);
    socket.set_deadline(Some(Instant::now() + FAR));
    let again = socket.read(&mut [0; 16]);
    Ok(json!({
        "step": "passed", "limit_ms": milliseconds(limit), "read": outcome(&empty)?, "sent_then": sent,
        "next_read": outcome(&late)?, "read_after_setting_again": outcome(&again)?,
    }))
}

fn a_deadline_holds_until_it_is_set_again() -> anyhow::Result<Seen> {
    let passed = passed(SHORT)?;
    let holds = passed["read"] == "i/o timeout" && passed["next_read"] == "i/o timeout";
    Ok(Seen::holds(holds && passed["read_after_setting_again"] == passed["sent_then"], seen(&passed)))
}

/// Fails at once though data are there, and so does the other direction.
fn past() -> anyhow::Result<Value> {
    let (ours, mut theirs) = connection()?;
    theirs.write_all(b"data")?;
    let buffered = ours.peek(&mut [MaybeUninit::uninit(); 16])?;
    let mut socket = DeadlineSocket::new(ours);
    socket.set_deadline(Some(Instant::now()));
    let (read, written) = (socket.read(&mut [0; 16]), socket.write(b"data"));
    Ok(json!({"step": "past", "buffered": buffered, "read": outcome(&read)?, "write": outcome(&written)?}))
}

fn a_deadline_is_for_both_directions() -> anyhow::Result<Seen> {
    let past = past()?;
    Ok(Seen::holds(past["read"] == "i/o timeout" && past["write"] == "i/o timeout", seen(&past)))
}

/// Set and taken back: a read waits for a byte that comes later.
fn cancelled(limit: Duration) -> anyhow::Result<Value> {
    beside_a_trickle(2 * limit, |socket| {
        let start = Instant::now();
        socket.set_deadline(Some(start + limit));
        socket.set_deadline(None);
        let read = socket.read(&mut [0]);
        let mut record = timed("cancelled", limit, start);
        record["read"] = outcome(&read)?;
        Ok(record)
    })
}

fn a_deadline_can_be_taken_back() -> anyhow::Result<Seen> {
    let cancelled = cancelled(SHORT)?;
    Ok(Seen::holds(cancelled["read"] == 1, seen(&cancelled)))
}

/// Ends a write to a peer that does not read.
fn of_writing(limit: Duration) -> anyhow::Result<Value> {
    let (ours, _theirs) = connection()?;
    let mut socket = DeadlineSocket::new(ours);
    let start = Instant::now();
    socket.set_deadline(Some(start + limit));
    let mut written = 0;
    let end = loop {
        match socket.write(&[0; 8192]) {
            Ok(count) => written += count,
            end => break outcome(&end)?,
        }
    };
    let mut record = timed("write", limit, start);
    record["written"] = written.into();
    record["write"] = end;
    Ok(record)
}

/// Ends a connect(2) to a host whose backlog is full: it drops the SYN, as a host that is not there would.
fn of_dialling(limit: Duration) -> anyhow::Result<Value> {
    let listener = experiment::listen(0)?;
    let address = endpoint::shown(&listener.local_addr()?);
    let mut queued = Vec::new();
    while queued.len() < 16 {
        let start = Instant::now();
        match endpoint::dial(Network::Tcp, &address, limit) {
            Ok(connection) => queued.push(connection),
            // Nobody answered in time, and that is to be seen: whatever else failed is not.
            Err(error) if !matches!(error.downcast_ref(), Some(Failure::Deadline(_))) => return Err(error),
            Err(error) => {
                let mut record = timed("dial", limit, start);
                record["queued"] = queued.len().into();
                record["dial"] = format!("{error:#}").into();
                return Ok(record);
            }
        }
    }
    Err(Failure::CannotShow("a listener with a backlog of 0 takes 16 connections".to_owned()).into())
}

/// Reads byte by byte until a read fails, or twice the limit has passed without that.
fn read_on(step: &str, limit: Duration, mut read: impl FnMut() -> io::Result<usize>) -> anyhow::Result<Value> {
    let (start, mut bytes) = (Instant::now(), 0);
    let end = loop {
        match read() {
            Ok(0) => break "EOF".into(),
            Ok(_) if start.elapsed() > 2 * limit => break "bytes keep coming".into(),
            Ok(count) => bytes += count,
            end => break outcome(&end)?,
        }
    };
    let mut record = timed(step, limit, start);
    record["bytes"] = bytes.into();
    record["read"] = end;
    Ok(record)
}

fn timed(step: &str, limit: Duration, start: Instant) -> Value {
    json!({"step": step, "limit_ms": milliseconds(limit), "elapsed_ms": milliseconds(start.elapsed())})
}

/// Runs `experiment` on a connection whose other end sends a byte every `pause`.
fn beside_a_trickle(
    pause: Duration,
    experiment: impl FnOnce(&mut DeadlineSocket) -> anyhow::Result<Value>,
) -> anyhow::Result<Value> {
    let (ours, theirs) = connection()?;
    let mut socket = DeadlineSocket::new(ours);
    // The socket is dropped with the closure, whatever came of it: that ends the peer.
    thread::scope(move |scope| {
        let peer = spawn_scoped(scope, move || trickle(DeadlineSocket::new(theirs), pause))?;
        let record = experiment(&mut socket);
        socket.socket().shutdown(Shutdown::Write)?;
        peer.join().map_err(|_| anyhow!("the trickling peer panicked"))??;
        record
    })
}

/// Sends a byte whenever nothing has come for `pause`, until the other side closes.
fn trickle(mut socket: DeadlineSocket, pause: Duration) -> io::Result<()> {
    loop {
        socket.set_deadline(Some(Instant::now() + pause));
        match socket.read(&mut [0]) {
            Err(error) if is_timeout(&error) => {
                socket.set_deadline(None);
                socket.write_all(b".")?;
            }
            end => return end.map(drop),
        }
    }
}
