//! One of the writers: a process that writes its records, each with one write(2) and made of its number.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use anyhow::Context;
use nix::fcntl::{Flock, FlockArg};
use shared::linux::failure::Failure;

use crate::outlet::is_broken_pipe;

#[derive(clap::Args)]
pub struct Args {
    fifo: PathBuf,
    number: u8,
    size: usize,
    messages: u32,
    #[arg(long)]
    lock: bool,
}

/// Without its parent, which reads, it ends silently.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let result = write_records(args);
    result.map_err(|error| if is_broken_pipe(&error) { Failure::ReaderGone.into() } else { error })
}

fn write_records(args: &Args) -> anyhow::Result<()> {
    let mut fifo =
        OpenOptions::new().write(true).open(&args.fifo).with_context(|| format!("open {}", args.fifo.display()))?;
    let record = vec![args.number; args.size];
    wait_at_the_gate()?;
    for _ in 0..args.messages {
        if args.lock {
            fifo = write_locked(fifo, &record)?;
        } else {
            fifo.write_all(&record).context("write the FIFO")?;
        }
    }
    Ok(())
}

/// Says that it is there, and goes on when whoever holds the gate lets go of it.
fn wait_at_the_gate() -> anyhow::Result<()> {
    io::stdout().write_all(b".").and_then(|()| io::stdout().flush()).context("write stdout")?;
    io::stdin().read_to_end(&mut Vec::new()).map(drop).context("read stdin")
}

// ANCHOR: lock
/// The critical section. Each process opened the FIFO itself, so its lock is its own.
fn write_locked(fifo: File, record: &[u8]) -> anyhow::Result<File> {
    let locked = Flock::lock(fifo, FlockArg::LockExclusive).map_err(|(_, errno)| errno).context("lock the FIFO")?;
    let mut pipe: &File = &locked;
    let result = pipe.write_all(record);
    let fifo = locked.unlock().map_err(|(_, errno)| errno).context("unlock the FIFO")?;
    result.context("write the FIFO").map(|()| fifo)
}
// ANCHOR_END: lock
