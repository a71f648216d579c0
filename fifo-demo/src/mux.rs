//! Many writers, one reader: what one write(2) writes stays whole up to PIPE_BUF, and above it (and above a page, where
//! that is more) is torn unless the writers take turns in a critical section (flock(2) on the FIFO itself).
//!
//! The writers are processes: this program again, with a hidden command. They wait at a gate (the end of
//! their stdin) until all have the FIFO open, and the reader takes one page at a time: so the FIFO is full
//! nearly all the time, and a write that does not fit whole is where others come between.
//!
//! Note: 管道 (多路复用), 关于同步 (临界区). Go: `os.File.Write`.
//! Man: pipe(7) (PIPE_BUF), flock(2).

mod tally;
pub mod writer;

use std::fs::File;
use std::io::{Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use nix::fcntl::OFlag;
use nix::libc::PIPE_BUF;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::child::{Children, this_program};
use shared::linux::memory::{least_torn_write, page_size};

use crate::fifo;
use crate::make;
use crate::patience::Patience;
use tally::Tally;

#[derive(clap::Args)]
pub struct Args {
    /// This many processes write at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..))]
    pub writers: u8,
    /// Bytes of a record [default: PIPE_BUF, one byte more than that and than a page, and that with --lock]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=1 << 26))]
    pub size: Option<u32>,
    /// Records of each writer
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    pub messages: u32,
    /// Write each record under flock(2)
    #[arg(long)]
    pub lock: bool,
    #[command(flatten)]
    pub patience: Patience,
}

/// What many writers came to.
#[derive(Serialize)]
pub struct Arrived {
    pub writers: u8,
    pub size: usize,
    pub lock: Lock,
    pub records: u64,
    pub torn: u64,
}

/// What many readers came to: each got a part.
#[derive(Serialize)]
pub struct Shared {
    pub readers: usize,
    pub written: &'static str,
    pub read: [String; 2],
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lock {
    None,
    Flock,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let lock = if args.lock { Lock::Flock } else { Lock::None };
    let torn = least_torn_write()?.get();
    let cases = match args.size {
        Some(size) => vec![(size as usize, lock)],
        None if args.lock => vec![(PIPE_BUF, lock), (torn, lock)],
        None => vec![(PIPE_BUF, lock), (torn, lock), (torn, Lock::Flock)],
    };
    make::with_fifo(|fifo, children| {
        for (size, lock) in cases {
            out.pairs(&multiplex(args, fifo, size, lock, children)?)?;
        }
        if args.size.is_none() && !args.lock { out.pairs(&two_readers(fifo)?) } else { Ok(()) }
    })
}

pub fn multiplex(args: &Args, fifo: &Path, size: usize, lock: Lock, children: &Children) -> anyhow::Result<Arrived> {
    let reader = fifo::open_reader(fifo)?;
    let (gate, open_gate) = pipe().context("pipe")?;
    let (ready, at_the_gate) = pipe().context("pipe")?;
    let mut writers = Vec::new();
    for number in 0..args.writers {
        let mut writer = this_program()?;
        writer.arg("mux-writer").arg(fifo).args([number.to_string(), size.to_string(), args.messages.to_string()]);
        if let Lock::Flock = lock {
            writer.arg("--lock");
        }
        writer.stdin(gate.try_clone().context("dup")?).stdout(at_the_gate.try_clone().context("dup")?);
        writers.push(children.spawn(&mut writer)?);
    }
    drop((gate, at_the_gate));
    wait_for_all(&OwnedFd::from(ready).into(), writers.len(), args.patience)?;
    drop(open_gate);
    let tally = read_all(&reader, size, args.patience)?;
    (0..).zip(writers).try_for_each(|(number, writer)| writer.succeed(&format!("writer {number}")))?;
    let records = u64::from(args.writers) * u64::from(args.messages);
    ensure!(tally.bytes() == records * size as u64, "{} bytes of {records} records arrived", tally.bytes());
    Ok(Arrived { writers: args.writers, size, lock, records, torn: tally.torn() })
}

/// Each writer says one byte. One that died says none.
fn wait_for_all(ready: &File, writers: usize, patience: Patience) -> anyhow::Result<()> {
    let mut said = 0;
    while said < writers {
        match patience.read(ready, &mut [0; 256], "the gate", "the writers to open the FIFO")? {
            0 => bail!("the writers are gone"),
            count => said += count,
        }
    }
    Ok(())
}

/// To the end, which is when the last writer has left.
fn read_all(reader: &File, size: usize, patience: Patience) -> anyhow::Result<Tally> {
    let mut tally = Tally::new(size);
    let mut page = vec![0; page_size()?.get()];
    patience.read_to_end(reader, &mut page, "the FIFO", "bytes from the writers", |bytes| {
        tally.feed(bytes);
        Ok(())
    })?;
    Ok(tally)
}

/// They share what one writer wrote.
pub fn two_readers(fifo: &Path) -> anyhow::Result<Shared> {
    const WRITTEN: &str = "123456";
    let readers = [fifo::open_at_once(fifo, OFlag::O_RDONLY)?, fifo::open_at_once(fifo, OFlag::O_RDONLY)?];
    fifo::open_at_once(fifo, OFlag::O_WRONLY)?.write_all(WRITTEN.as_bytes()).context("write the FIFO")?;
    let read = |mut reader: &File| {
        let mut half = [0; WRITTEN.len() / 2];
        reader.read_exact(&mut half).context("read the FIFO").map(|()| String::from_utf8_lossy(&half).into_owned())
    };
    Ok(Shared { readers: 2, written: WRITTEN, read: [read(&readers[0])?, read(&readers[1])?] })
}
