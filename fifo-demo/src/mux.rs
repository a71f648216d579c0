//! Many writers, one reader: what one write(2) writes stays whole up to PIPE_BUF, and above it is torn unless
//! the writers take turns in a critical section (flock(2) on the FIFO itself).
//!
//! The writers are processes: this program again, with a hidden command. They wait at a gate (the end of
//! their stdin) until all have the FIFO open, and the reader takes one page at a time: so the FIFO is full
//! nearly all the time, and a write that does not fit whole is where others come between.
//!
//! Note: 管道 (多路复用), 关于同步 (临界区). Go: `os.File.Write`.
//! Man: pipe(7) (PIPE_BUF), flock(2).

mod tally;
pub mod writer;

use std::env;
use std::fs::File;
use std::io::{Read, Write, pipe};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::fcntl::OFlag;
use nix::libc::PIPE_BUF;
use serde::Serialize;
use shared::harness::claims::{Check, Seen};
use shared::harness::report::Report;
use shared::linux::failure::Failure;
use shared::linux::readiness::Ready;

use crate::fifo;
use crate::recv::inlet::Inlet;
use crate::patience::Patience;
use crate::scratch::{self, Process, Scratch};
use tally::Tally;

#[derive(clap::Args)]
pub struct Args {
    /// So many processes write at one time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..))]
    writers: u8,
    /// Bytes of a record [default: PIPE_BUF, one more, and that with --lock]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=1 << 26))]
    size: Option<u32>,
    /// Records of each writer
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    messages: u32,
    /// Write each record under flock(2)
    #[arg(long)]
    lock: bool,
    /// Records as JSON lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    patience: Patience,
}

/// What arrived.
#[derive(Serialize)]
struct Arrived {
    writers: u8,
    size: usize,
    lock: Lock,
    records: u64,
    torn: u64,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Lock {
    None,
    Flock,
}

pub const CHECKS: &[Check] = &[(91, mind_atomicity)];

pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut out = Report::new(args.json);
    let lock = if args.lock { Lock::Flock } else { Lock::None };
    let cases = match args.size {
        Some(size) => vec![(size as usize, lock)],
        None if args.lock => vec![(PIPE_BUF, lock), (PIPE_BUF + 1, lock)],
        None => vec![(PIPE_BUF, lock), (PIPE_BUF + 1, lock), (PIPE_BUF + 1, Lock::Flock)],
    };
    scratch::with(|scratch| {
        let fifo = scratch.fifo("fifo")?;
        cases.into_iter().try_for_each(|(size, lock)| out.pairs(&multiplex(args, &fifo, size, lock, scratch)?))
    })
}

fn multiplex(args: &Args, fifo: &Path, size: usize, lock: Lock, scratch: &Scratch) -> anyhow::Result<Arrived> {
    let reader = fifo::open_reader(fifo)?;
    let (gate, open_gate) = pipe().context("pipe")?;
    let (ready, at_the_gate) = pipe().context("pipe")?;
    let mut writers = Vec::new();
    for number in 0..args.writers {
        let mut writer = Command::new(env::current_exe().context("find this program")?);
        writer.arg("mux-writer").arg(fifo).args([number.to_string(), size.to_string(), args.messages.to_string()]);
        if let Lock::Flock = lock {
            writer.arg("--lock");
        }
        writer.stdin(gate.try_clone().context("dup")?).stdout(at_the_gate.try_clone().context("dup")?);
        writers.push(scratch.start(&mut writer, &format!("writer {number}"))?);
    }
    drop((gate, at_the_gate));
    wait_for_all(Inlet::new(ready, "the gate")?, writers.len(), &args.patience, scratch)?;
    drop(open_gate);
    let tally = read_all(reader, size, &args.patience, scratch)?;
    writers.into_iter().try_for_each(Process::finish)?;
    let records = u64::from(args.writers) * u64::from(args.messages);
    ensure!(tally.bytes() == records * size as u64, "{} bytes of {records} records arrived", tally.bytes());
    Ok(Arrived { writers: args.writers, size, lock, records, torn: tally.torn() })
}

/// Each writer says one byte. One that died says none.
fn wait_for_all(mut ready: Inlet, writers: usize, patience: &Patience, scratch: &Scratch) -> anyhow::Result<()> {
    ready.heed(scratch.shutdown())?;
    let mut said = 0;
    while said < writers {
        scratch.check()?;
        match ready.read(&mut [0; 256])? {
            Ready::Done(0) => bail!("the writers are gone"),
            Ready::Done(count) => said += count,
            Ready::NotYet => _ = ready.wait(patience)?,
        }
    }
    Ok(())
}

/// To the end, which is when the last writer has left.
fn read_all(mut reader: Inlet, size: usize, patience: &Patience, scratch: &Scratch) -> anyhow::Result<Tally> {
    reader.heed(scratch.shutdown())?;
    let mut tally = Tally::new(size);
    let mut page = [0; 4096];
    loop {
        scratch.check()?;
        match reader.read(&mut page)? {
            Ready::Done(0) => return Ok(tally),
            Ready::Done(count) => tally.feed(&page[..count]),
            Ready::NotYet => _ = reader.wait(patience)?,
        }
    }
}

/// Many writers, again until records are torn; and then with records that are not torn.
fn mind_atomicity() -> anyhow::Result<Seen> {
    scratch::looked_after(|scratch| {
        let fifo = scratch.fifo("fifo")?;
        let readers = two_readers(&fifo)?;
        let patience = Patience::of(Duration::from_secs(10));
        let args = Args { writers: 4, size: None, messages: 100, lock: false, json: false, patience };
        let whole = multiplex(&args, &fifo, PIPE_BUF, Lock::None, scratch)?;
        let deadline = Instant::now() + Duration::from_secs(8);
        let torn = loop {
            let arrived = multiplex(&args, &fifo, PIPE_BUF + 1, Lock::None, scratch)?;
            if arrived.torn > 0 {
                break arrived;
            }
            if Instant::now() > deadline {
                return Err(Failure::CannotShow("the writers never got in each other's way".into()).into());
            }
        };
        let as_noted = whole.torn == 0 && readers == ["123", "456"];
        let [first, second] = &readers;
        let [whole, torn] =
            [whole, torn].map(|Arrived { size, records, torn, .. }| format!("{size} B: {torn} of {records} torn"));
        Ok(Seen::holds(
            as_noted,
            format!("4 writers x {whole}, x {torn}; of 123456 two readers read {first} and {second}"),
        ))
    })
}

/// They share what one writer wrote.
fn two_readers(fifo: &Path) -> anyhow::Result<[String; 2]> {
    let readers = [fifo::open_at_once(fifo, OFlag::O_RDONLY)?, fifo::open_at_once(fifo, OFlag::O_RDONLY)?];
    fifo::open_at_once(fifo, OFlag::O_WRONLY)?.write_all(b"123456").context("write")?;
    let read = |mut reader: &File| {
        let mut half = [0; 3];
        reader.read_exact(&mut half).context("read").map(|()| String::from_utf8_lossy(&half).into_owned())
    };
    Ok([read(&readers[0])?, read(&readers[1])?])
}
