//! Many writers and one pipe: which messages stay whole.
//!
//! The note says that the system's pipes give no atomicity. They do, up to PIPE_BUF bytes a write (claim 93):
//! longer writes are torn where the pipe was full and another writer came first. It says that Go's API adds
//! none (claims 104, 138). But an os.File has a lock in it, so threads that share one keep every write whole; and so
//! does the pipe in memory, as its writers take turns.
//!
//! Note: 管道 ("原子性问题"), 信号 ("数据的原子性"). Go: `os.Pipe`, `io.Pipe`. Man: pipe(7) at PIPE_BUF.

use std::fmt;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueEnum;
use nix::libc::PIPE_BUF;
use nix::unistd::Pid;
use serde::Serialize;
use shared::claim::{Claim, Seen, Verdict::Refuted};
use shared::report::{Failure, Report};

use crate::children::{self, Children, wait_for};
use crate::io_pipe;
use crate::sync::gate::Gate;

#[derive(clap::Args)]
pub struct Args {
    /// So many writers
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    writers: u8,
    /// Bytes of a message [default: PIPE_BUF, and one more]
    #[arg(long, value_name = "N", value_parser = crate::run::buffer_size)]
    size: Option<NonZeroUsize>,
    /// Each writer sends so many messages
    #[arg(long, value_name = "N", default_value_t = 400)]
    messages: u64,
    /// The pipe [default: each in turn]
    #[arg(long, value_enum)]
    via: Option<Via>,
    /// Give up then
    #[arg(long, value_parser = shared::duration::parse, default_value = "30s")]
    timeout: Duration,
}

#[derive(Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// A pipe of the kernel's, written by processes
    OsPipe,
    /// The same, written by threads that share one end and a lock, as in Go's os.File
    OsFile,
    /// A pipe in memory, written by threads
    IoPipe,
}

#[derive(Serialize)]
struct Outcome {
    via: Via,
    writers: u8,
    size: usize,
    messages: u64,
    torn: u64,
}

pub const CLAIMS: &[Claim] = &[
    Claim {
        number: 93,
        heading: "管道",
        says: "the system's pipes give no atomicity to their writers",
        verdict: Refuted,
        command: "atomicity --via os-pipe",
        check: no_atomicity,
    },
    Claim {
        number: 104,
        heading: "管道",
        says: "nor does Go's API for them add any (here: threads that share an end and a lock, as in an os.File)",
        verdict: Refuted,
        command: "atomicity --via os-file",
        check: none_added,
    },
    Claim {
        number: 138,
        heading: "信号",
        says: "neither pipes nor what Go's library adds keep the data of one write together",
        verdict: Refuted,
        command: "atomicity",
        check: none_anywhere,
    },
];

const SIZES: [NonZeroUsize; 2] = [NonZeroUsize::new(PIPE_BUF).unwrap(), NonZeroUsize::new(PIPE_BUF + 1).unwrap()];

pub fn run(args: &Args, mut out: Report) -> anyhow::Result<()> {
    let children = Children::default();
    let sizes = args.size.as_ref().map_or(SIZES.as_slice(), std::slice::from_ref);
    let vias = args.via.as_ref().map_or(Via::value_variants(), std::slice::from_ref);
    let mut rounds = Vec::new();
    for &via in vias {
        for &size in sizes {
            let load = Load { writers: args.writers, size, messages: args.messages };
            // All are forked, to wait at their gates, before the program gets a second thread.
            rounds.push((
                load,
                via,
                if let Via::OsPipe = via { Some(Processes::fork(&children, load)?) } else { None },
            ));
        }
    }
    children::supervise(args.timeout, &children, move |_| {
        for (load, via, processes) in rounds {
            let torn = match processes {
                Some(processes) => processes.write(load)?,
                None => through_threads(via, load)?,
            };
            let messages = u64::from(load.writers).saturating_mul(load.messages);
            out.pairs(&Outcome { via, writers: load.writers, size: load.size.get(), messages, torn })?;
        }
        Ok(())
    })
}

/// What is to be written.
#[derive(Clone, Copy)]
pub struct Load {
    pub writers: u8,
    pub size: NonZeroUsize,
    pub messages: u64,
}

impl Load {
    /// All bytes of a message name their writer.
    fn message(&self, writer: u8) -> Vec<u8> {
        vec![writer; self.size.get()]
    }
}

/// Writers that wait at a gate.
struct Processes {
    gate: Gate,
    reader: io::PipeReader,
    writers: Vec<Pid>,
}

impl Processes {
    fn fork(children: &Children, load: Load) -> anyhow::Result<Processes> {
        let gate = Gate::new()?;
        let (reader, writer) = io::pipe().context("pipe")?;
        let write_all = |id| {
            let message = load.message(id);
            gate.pass().is_ok() && (0..load.messages).all(|_| (&writer).write_all(&message).is_ok())
        };
        let writers =
            (0..load.writers).map(|id| children.fork(|| u8::from(!write_all(id)))).collect::<anyhow::Result<_>>()?;
        Ok(Processes { gate, reader, writers })
    }

    /// Counts the torn messages. Read a page at a time the pipe stays full, and its writers wait.
    fn write(mut self, load: Load) -> anyhow::Result<u64> {
        self.gate.open(self.writers.len())?;
        let mut torn = Torn::new(load.size);
        let mut page = [0; PIPE_BUF];
        loop {
            match self.reader.read(&mut page).context("read the pipe")? {
                0 => break,
                count => torn.see(&page[..count]),
            }
        }
        self.writers.into_iter().try_for_each(wait_for)?;
        Ok(torn.count)
    }
}

/// Counts the torn messages of threads.
fn through_threads(via: Via, load: Load) -> anyhow::Result<u64> {
    if let Via::IoPipe = via { through_memory(load) } else { through_one_file(load) }
}

/// Of threads that write to one pipe in memory.
pub fn through_memory(load: Load) -> anyhow::Result<u64> {
    let (reader, writer) = io_pipe::pipe();
    let write = move |message: &[u8]| writer.write(message).map_err(|cut_off| cut_off.cause.into());
    write_and_read(load, write, |page| reader.read(page).unwrap_or(0))
}

/// Of threads that write to one end of a pipe, in turn: each has the lock until all of its message is written.
fn through_one_file(load: Load) -> anyhow::Result<u64> {
    let (mut reader, writer) = io::pipe().context("pipe")?;
    let writer = Mutex::new(writer);
    let write = move |message: &[u8]| {
        Ok(writer.lock().unwrap_or_else(PoisonError::into_inner).write_all(message).context("write the pipe")?)
    };
    write_and_read(load, write, |page| reader.read(page).unwrap_or(0))
}

/// To the end, which comes when no thread has `write` any more.
fn write_and_read(
    load: Load,
    write: impl Fn(&[u8]) -> anyhow::Result<()> + Send + Sync + 'static,
    mut read: impl FnMut(&mut [u8]) -> usize,
) -> anyhow::Result<u64> {
    let write = Arc::new(write);
    let threads: Vec<_> = (0..load.writers)
        .map(|id| {
            let (message, write) = (load.message(id), Arc::clone(&write));
            thread::spawn(move || (0..load.messages).try_for_each(|_| write(&message)))
        })
        .collect();
    drop(write);
    let mut torn = Torn::new(load.size);
    let mut page = [0; PIPE_BUF];
    loop {
        match read(&mut page) {
            0 => break,
            count => torn.see(&page[..count]),
        }
    }
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("a writer panicked"))??;
    }
    Ok(torn.count)
}

const SHORT: NonZeroUsize = SIZES[0];
const LONG: NonZeroUsize = NonZeroUsize::new(100_001).unwrap();

/// Torn messages of so many, and of what size: as evidence.
struct Count(Load, u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count(Load { writers, size, messages }, torn) = self;
        write!(f, "{writers} writers x {size} B: {torn} of {} torn", u64::from(*writers) * messages)
    }
}

fn four_writers(size: NonZeroUsize, messages: u64, count: impl Fn(Load) -> anyhow::Result<u64>) -> anyhow::Result<Count> {
    let load = Load { writers: 4, size, messages };
    Ok(Count(load, count(load)?))
}

/// Four processes write, again until messages are torn: then they do get in each other's way.
fn until_torn(size: NonZeroUsize, messages: u64) -> anyhow::Result<Count> {
    let deadline = Instant::now() + Duration::from_secs(8);
    while Instant::now() < deadline {
        let count = four_writers(size, messages, through_processes)?;
        if count.1 > 0 {
            return Ok(count);
        }
    }
    Err(Failure::CannotShow("the writers never got in each other's way".into()).into())
}

/// Only before there are threads.
fn through_processes(load: Load) -> anyhow::Result<u64> {
    Processes::fork(&Children::default(), load)?.write(load)
}

fn no_atomicity() -> anyhow::Result<Seen> {
    let long = until_torn(SIZES[1], 100)?;
    let short = four_writers(SHORT, 100, through_processes)?;
    Ok(Seen::refuted(short.1 == 0, format!("{short}; {long}")))
}

fn none_added() -> anyhow::Result<Seen> {
    let without = until_torn(LONG, 10)?;
    let with = four_writers(LONG, 10, through_one_file)?;
    Ok(Seen::refuted(with.1 == 0, format!("with a lock {with}; without {without}")))
}

fn none_anywhere() -> anyhow::Result<Seen> {
    let long = until_torn(LONG, 10)?;
    let short = four_writers(SHORT, 100, through_processes)?;
    let (file, memory) =
        (four_writers(LONG, 10, through_one_file)?, four_writers(LONG, 10, through_memory)?);
    let kept = [&short, &file, &memory].map(|count| count.1 == 0) == [true; 3];
    Ok(Seen::refuted(kept, format!("{long}; but {short}; with a lock {} of 40; in memory {} of 40", file.1, memory.1)))
}

/// Finds the torn messages in a stream: those between whose bytes there are another writer's.
struct Torn {
    size: u64,
    /// Of each writer, how much of its stream has been seen.
    seen: Vec<u64>,
    /// Of each writer, the message that was counted last.
    counted: Vec<Option<u64>>,
    last: Option<u8>,
    count: u64,
}

impl Torn {
    fn new(size: NonZeroUsize) -> Torn {
        let writers = usize::from(u8::MAX) + 1;
        Torn { size: size.get() as u64, seen: vec![0; writers], counted: vec![None; writers], last: None, count: 0 }
    }

    fn see(&mut self, bytes: &[u8]) {
        for run in bytes.chunk_by(|a, b| a == b) {
            let writer = run[0];
            if let Some(left) = self.last.replace(writer).filter(|&last| last != writer) {
                self.leave(left.into());
            }
            self.seen[usize::from(writer)] += run.len() as u64;
        }
    }

    /// Another writer's bytes come: a message that is not complete is torn.
    fn leave(&mut self, writer: usize) {
        let message = self.seen[writer] / self.size;
        if !self.seen[writer].is_multiple_of(self.size) && self.counted[writer].replace(message) != Some(message) {
            self.count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn torn(size: usize, stream: &str) -> u64 {
        let whole = {
            let mut torn = Torn::new(NonZeroUsize::new(size).unwrap());
            torn.see(stream.as_bytes());
            torn.count
        };
        let mut bytewise = Torn::new(NonZeroUsize::new(size).unwrap());
        stream.as_bytes().iter().for_each(|&byte| bytewise.see(&[byte]));
        assert_eq!(bytewise.count, whole, "where a read ends says nothing");
        whole
    }

    #[test]
    fn a_message_is_torn_once_however_many_pieces_it_is_in() {
        assert_eq!(torn(3, "aaabbbaaaaaabbb"), 0);
        assert_eq!(torn(3, "aabbba"), 1);
        assert_eq!(torn(3, "abababbbb"), 2);
        assert_eq!(torn(3, "aabab b".replace(' ', "").as_str()), 2);
        assert_eq!(torn(1, "abab"), 0);
    }
}
