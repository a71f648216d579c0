//! Many writers, one reader: what one write(2) writes stays whole up to PIPE_BUF, and above it (and above a page, where
//! that is more) is torn unless the writers take turns in a critical section (flock(2) on the FIFO itself). Those who
//! write less need no turns among themselves, but must not come between: they share the lock. `send --lines` does both.
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
use clap::ValueEnum;
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
use writer::Lock;

#[derive(clap::Args)]
pub struct Args {
    /// Number of writers
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..))]
    pub writers: u8,
    /// Bytes of each message [default: PIPE_BUF, one byte more than that and than a page, that with --lock, and both at
    /// once]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 26))]
    pub size: Option<u32>,
    /// Messages of each writer
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    pub messages: u32,
    /// Write each message under an exclusive flock(2)
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
    pub messages: u64,
    pub torn: u64,
}

/// What many readers came to: each got a part.
#[derive(Serialize)]
pub struct Shared {
    pub readers: usize,
    pub sent_text: &'static str,
    pub received_texts: [String; 2],
}

/// What two kinds of writers came to, every other one of each kind.
#[derive(Serialize)]
pub struct Mixed {
    pub writers: u8,
    pub sizes: [usize; 2],
    pub locks: [Lock; 2],
    pub messages: u64,
    pub torn: u64,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let lock = if args.lock { Lock::Exclusive } else { Lock::None };
    let torn = least_torn_write()?.get();
    let cases = match args.size {
        Some(size) => vec![(size as usize, lock)],
        None if args.lock => vec![(PIPE_BUF, lock), (torn, lock)],
        None => vec![(PIPE_BUF, lock), (torn, lock), (torn, Lock::Exclusive)],
    };
    make::with_fifo(|fifo, children| {
        for (size, lock) in cases {
            out.pairs(&multiplex(args, fifo, size, lock, children)?)?;
        }
        if args.size.is_some() || args.lock {
            return Ok(());
        }
        for short in [Lock::None, Lock::Shared] {
            out.pairs(&mix(args, fifo, [short, Lock::Exclusive], children)?)?;
        }
        out.pairs(&two_readers(fifo)?)
    })
}

pub fn multiplex(args: &Args, fifo: &Path, size: usize, lock: Lock, children: &Children) -> anyhow::Result<Arrived> {
    let (messages, torn) = write_and_count(args, fifo, [size; 2], [lock; 2], children)?;
    Ok(Arrived { writers: args.writers, size, lock, messages, torn })
}

/// Records that one write(2) keeps whole beside longer ones.
fn mix(args: &Args, fifo: &Path, locks: [Lock; 2], children: &Children) -> anyhow::Result<Mixed> {
    let sizes = [PIPE_BUF, least_torn_write()?.get()];
    let (messages, torn) = write_and_count(args, fifo, sizes, locks, children)?;
    Ok(Mixed { writers: args.writers, sizes, locks, messages, torn })
}

/// How many records came, and how many of them torn. `sizes` and `locks` are those of every other writer.
fn write_and_count(
    args: &Args,
    fifo: &Path,
    sizes: [usize; 2],
    locks: [Lock; 2],
    children: &Children,
) -> anyhow::Result<(u64, u64)> {
    let reader = fifo::open_reader(fifo)?;
    let (gate, open_gate) = pipe().context("pipe")?;
    let (ready, at_the_gate) = pipe().context("pipe")?;
    let mut writers = Vec::new();
    for number in 0..args.writers {
        let mut writer = this_program()?;
        let kind = usize::from(number % 2);
        let lock = locks[kind].to_possible_value().context("a lock has a name")?;
        writer.arg("mux-writer").arg(fifo).args([number.to_string(), sizes[kind].to_string()]);
        writer.args([&args.messages.to_string(), lock.get_name()]);
        writer.stdin(gate.try_clone().context("dup")?).stdout(at_the_gate.try_clone().context("dup")?);
        writers.push(children.spawn(&mut writer)?);
    }
    drop((gate, at_the_gate));
    wait_for_all(&OwnedFd::from(ready).into(), writers.len(), args.patience)?;
    drop(open_gate);
    let tally = read_all(&reader, sizes, args.patience)?;
    (0..).zip(writers).try_for_each(|(number, writer)| writer.succeed(&format!("writer {number}")))?;
    let messages = u64::from(args.writers) * u64::from(args.messages);
    ensure!(tally.messages() == messages, "{} of {messages} messages arrived", tally.messages());
    Ok((messages, tally.torn()))
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
fn read_all(reader: &File, sizes: [usize; 2], patience: Patience) -> anyhow::Result<Tally> {
    let mut tally = Tally::new(sizes);
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
    Ok(Shared { readers: 2, sent_text: WRITTEN, received_texts: [read(&readers[0])?, read(&readers[1])?] })
}
