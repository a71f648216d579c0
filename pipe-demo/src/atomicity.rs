//! Many writers and one pipe: which messages stay whole.
//!
//! The note says that the system's pipes give no atomicity. They do, up to PIPE_BUF bytes a write, or a page
//! where that is more (claim 93): longer writes are torn where the pipe was full and another writer came first. It says that Go's API adds
//! none (claims 104, 138). But an os.File has a lock in it, so threads that share one keep every write whole; and so
//! does the pipe in memory, as its writers take turns.
//!
//! Note: 管道 ("原子性问题"), 信号 ("数据的原子性"). Go: `os.Pipe`, `io.Pipe`. Man: pipe(7) at PIPE_BUF.

mod torn;
pub mod writers;

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::ValueEnum;
use nix::libc::PIPE_BUF;
use serde::Serialize;
use shared::harness::report::Report;
use shared::harness::story;
use shared::linux::child::Children;
use shared::linux::memory::least_torn_write;

use writers::{Load, Processes, through_memory, through_one_file};

#[derive(clap::Args)]
pub struct Args {
    /// Number of writers
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    writers: u8,
    /// Bytes of each message [default: PIPE_BUF, and one byte more than that and than a page]
    #[arg(long, value_name = "N", value_parser = crate::run::buffer_size)]
    size: Option<NonZeroUsize>,
    /// Messages of each writer
    #[arg(long, value_name = "N", default_value_t = 400)]
    messages: u64,
    /// The pipe [default: each in turn]
    #[arg(long, value_enum)]
    via: Option<Via>,
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", value_parser = shared::harness::duration::limit, default_value = "30s")]
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

/// How many messages came out of the pipe with another writer's bytes between theirs.
#[derive(Serialize)]
pub struct Counted {
    pub via: Via,
    pub writers: u8,
    pub size: usize,
    pub messages: u64,
    pub torn: u64,
}

/// Of this size each write is whole by promise.
pub const WHOLE: NonZeroUsize = NonZeroUsize::new(PIPE_BUF).unwrap();

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let children = Children::helpers();
    let sizes = args.size.map_or_else(|| Ok(vec![WHOLE, least_torn_write()?]), |size| anyhow::Ok(vec![size]))?;
    let vias = args.via.as_ref().map_or(Via::value_variants(), std::slice::from_ref);
    let rounds = vias.iter().flat_map(|&via| sizes.iter().map(move |&size| (via, size)));
    // All processes are forked, to wait at their gates, before the program gets a second thread.
    let rounds = rounds.map(|(via, size)| {
        Round::prepare(&children, via, Load { writers: args.writers, size, messages: args.messages })
    });
    let rounds = rounds.collect::<anyhow::Result<Vec<_>>>()?;
    let mut out = out.for_thread();
    story::tell(args.timeout, &children, move |_| rounds.into_iter().try_for_each(|round| out.pairs(&round.write()?)))
}

/// One pipe and its writers.
pub struct Round {
    via: Via,
    load: Load,
    processes: Option<Processes>,
}

impl Round {
    /// Forks the writers, where they are processes.
    pub fn prepare(children: &Children, via: Via, load: Load) -> anyhow::Result<Round> {
        let processes = if let Via::OsPipe = via { Some(Processes::fork(children, load)?) } else { None };
        Ok(Round { via, load, processes })
    }

    /// Has them write, and counts.
    pub fn write(self) -> anyhow::Result<Counted> {
        let Round { via, load, processes } = self;
        let torn = match (via, processes) {
            (_, Some(processes)) => processes.write(load)?,
            (Via::IoPipe, None) => through_memory(load)?,
            (_, None) => through_one_file(load)?,
        };
        let messages = u64::from(load.writers).saturating_mul(load.messages);
        Ok(Counted { via, writers: load.writers, size: load.size.get(), messages, torn })
    }
}
