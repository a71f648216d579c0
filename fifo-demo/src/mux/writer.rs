//! One of the writers: a process that writes its records, each with one write(2) and made of its number.
//!
//! Each opened the FIFO itself, so its lock is its own.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use anyhow::Context;
use nix::fcntl::{FlockArg, OFlag};
use serde::Serialize;
use shared::linux::failure::Failure;
use shared::linux::readiness::set_nonblocking;

use crate::fifo;
use crate::outlet::{Outlet, is_broken_pipe};

/// Of flock(2).
#[derive(Clone, Copy, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Lock {
    None,
    Shared,
    Exclusive,
}

#[derive(clap::Args)]
pub struct Args {
    fifo: PathBuf,
    number: u8,
    size: usize,
    messages: u32,
    lock: Lock,
}

/// Without its parent, which reads, it ends silently.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let result = write_records(args);
    result.map_err(|error| if is_broken_pipe(&error) { Failure::ReaderGone.into() } else { error })
}

fn write_records(args: &Args) -> anyhow::Result<()> {
    let file = fifo::open(&args.fifo, OFlag::O_WRONLY)?;
    if let Lock::Shared = args.lock {
        set_nonblocking(&file).context("fcntl")?;
    }
    let (fifo, record) = (Outlet::new(file, "the FIFO"), vec![args.number; args.size]);
    wait_at_the_gate()?;
    (0..args.messages).try_for_each(|_| write(&fifo, &record, args.lock))
}

// ANCHOR: lock
/// What is longer than PIPE_BUF needs a critical section of its own.
fn write(fifo: &Outlet, record: &[u8], lock: Lock) -> anyhow::Result<()> {
    let write_all = || fifo.write_all(record);
    match lock {
        Lock::None => write_all(),
        Lock::Shared => fifo.write_together(record),
        Lock::Exclusive => fifo.locked(FlockArg::LockExclusive, write_all),
    }
}
// ANCHOR_END: lock

/// Says that it is there, and goes on when whoever holds the gate lets go of it.
fn wait_at_the_gate() -> anyhow::Result<()> {
    io::stdout().write_all(b".").and_then(|()| io::stdout().flush()).context("write stdout")?;
    io::stdin().read_to_end(&mut Vec::new()).map(drop).context("read stdin")
}
