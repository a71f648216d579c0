//! Each direction has a deadline of its own: that of reading ends no write, nor the other way round.
//!
//! Note: SetDeadline、SetReadDeadline、SetWriteDeadline方法. Go: `net.Conn.SetReadDeadline`, `SetWriteDeadline`.
//! Man: SO_RCVTIMEO and SO_SNDTIMEO in socket(7).

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use anyhow::Context;
use shared::cube_roots::client::DeadlineSocket;
use shared::linux::answer::Outcome;

use crate::experiment::{milliseconds, record};
use crate::loopback::{End, connection};

// The deadline ends a write to a peer that does not read.
record!("write", Filled { limit_ms: u64, elapsed_ms: u64, written: usize, write: Outcome });

pub fn of_writing(limit: Duration) -> anyhow::Result<Filled> {
    let (mut ours, _theirs) = ends()?;
    let start = Instant::now();
    ours.set_deadline(Some(start + limit));
    let (written, write) = fill(&mut ours)?;
    Ok(Filled { limit_ms: milliseconds(limit), elapsed_ms: milliseconds(start.elapsed()), written, write })
}

// What a read that has nothing to read comes to, and a write that has no room.
record! { "directions", Directions {
    limit_ms: u64,
    read_by_read_deadline: Outcome,
    write_by_read_deadline: Outcome,
    read_by_write_deadline: Outcome,
    write_by_write_deadline: Outcome,
    read_by_both: Outcome,
    write_by_both: Outcome,
} }

/// The call that has no deadline finds what it needs, or it would wait for ever; but not before the other's has passed.
pub fn each_by_itself(limit: Duration) -> anyhow::Result<Directions> {
    let (mut reader, _theirs) = ends()?;
    reader.set_read_deadline(Some(Instant::now() + limit));
    let read_by_read_deadline = try_read(&mut reader)?;
    let write_by_read_deadline = try_write(&mut reader, b"data")?;

    let (mut writer, theirs) = ends()?;
    writer.set_write_deadline(Some(Instant::now() + limit));
    let (_, write_by_write_deadline) = fill(&mut writer)?;
    theirs.write(b"data")?;
    let read_by_write_deadline = try_read(&mut writer)?;

    let (mut both, _theirs) = ends()?;
    both.set_deadline(Some(Instant::now() + limit));
    let (_, write_by_both) = fill(&mut both)?;
    let read_by_both = try_read(&mut both)?;
    Ok(Directions {
        limit_ms: milliseconds(limit),
        read_by_read_deadline,
        write_by_read_deadline,
        read_by_write_deadline,
        write_by_write_deadline,
        read_by_both,
        write_by_both,
    })
}

fn ends() -> anyhow::Result<(DeadlineSocket, End)> {
    let (ours, theirs) = connection()?;
    Ok((DeadlineSocket::new(ours.socket), theirs))
}

/// Writes until a write fails: how many bytes, and how it failed.
fn fill(socket: &mut DeadlineSocket) -> anyhow::Result<(usize, Outcome)> {
    let mut written = 0;
    loop {
        match try_write(socket, &[0; 8192])? {
            Outcome::Done(count) => written += count,
            failed => return Ok((written, failed)),
        }
    }
}

pub fn try_read(socket: &mut DeadlineSocket) -> anyhow::Result<Outcome> {
    Outcome::by_deadline(socket.read(&mut [0; 16])).context("read under a deadline")
}

pub fn try_write(socket: &mut DeadlineSocket, bytes: &[u8]) -> anyhow::Result<Outcome> {
    Outcome::by_deadline(socket.write(bytes)).context("write under a deadline")
}
