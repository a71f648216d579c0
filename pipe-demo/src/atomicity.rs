//! Many writers and one pipe: which messages stay whole.
//!
//! The note says that the system's pipes give no atomicity. They do, up to PIPE_BUF bytes a write (claim 93):
//! longer writes are torn where the pipe was full and another writer came first. The pipe in memory
//! keeps every write whole, as its writers take turns.
//!
//! Note: 管道 ("原子性问题"). Go: `os.Pipe`, `io.Pipe`. Man: pipe(7) at PIPE_BUF.

use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use nix::libc::PIPE_BUF;
use nix::unistd::Pid;
use serde::Serialize;
use shared::report::Report;

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
            let torn = processes.map_or_else(|| through_memory(load), |processes| processes.write(load))?;
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

/// Counts the torn messages of threads that write to one pipe in memory.
pub fn through_memory(load: Load) -> anyhow::Result<u64> {
    let (reader, writer) = io_pipe::pipe();
    let writer = std::sync::Arc::new(writer);
    let threads: Vec<_> = (0..load.writers)
        .map(|id| {
            let (message, writer) = (load.message(id), std::sync::Arc::clone(&writer));
            thread::spawn(move || (0..load.messages).try_for_each(|_| writer.write(&message)))
        })
        .collect();
    drop(writer);
    let mut torn = Torn::new(load.size);
    let mut page = [0; PIPE_BUF];
    while let Ok(count) = reader.read(&mut page) {
        torn.see(&page[..count]);
    }
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("a writer panicked"))?.map_err(|cut_off| cut_off.cause)?;
    }
    Ok(torn.count)
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
