//! Many writers and one pipe: which messages stay whole.
//!
//! The note says that the system's pipes give no atomicity. They do, up to PIPE_BUF bytes a write (claim 93):
//! longer writes are torn where the pipe was full and another writer came first. It says that Go's API adds
//! none (claims 104, 138). But an os.File has a lock in it, so threads that share one keep every write whole; and so
//! does the pipe in memory, as its writers take turns.
//!
//! Note: 管道 ("原子性问题"), 信号 ("数据的原子性"). Go: `os.Pipe`, `io.Pipe`. Man: pipe(7) at PIPE_BUF.

mod torn;
mod writers;

use std::fmt;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use nix::libc::PIPE_BUF;
use serde::Serialize;
use shared::harness::claims::{Check, Seen};
use shared::harness::report::Report;
use shared::linux::failure::Failure;

use shared::harness::story;
use shared::linux::child::Children;
pub use writers::{Load, through_memory};
use writers::{Processes, through_one_file};

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
    #[arg(long, value_parser = shared::harness::duration::parse, default_value = "30s")]
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

pub const CHECKS: &[Check] = &[(93, no_atomicity), (104, none_added), (138, none_anywhere)];

const SIZES: [NonZeroUsize; 2] = [NonZeroUsize::new(PIPE_BUF).unwrap(), NonZeroUsize::new(PIPE_BUF + 1).unwrap()];

pub fn run(args: &Args, mut out: Report) -> anyhow::Result<()> {
    let children = Children::helpers();
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
    story::tell(args.timeout, &children, move |_| {
        for (load, via, processes) in rounds {
            let torn = match processes {
                Some(processes) => processes.write(load)?,
                None if matches!(via, Via::IoPipe) => through_memory(load)?,
                None => through_one_file(load)?,
            };
            let messages = u64::from(load.writers).saturating_mul(load.messages);
            out.pairs(&Outcome { via, writers: load.writers, size: load.size.get(), messages, torn })?;
        }
        Ok(())
    })
}

const SHORT: NonZeroUsize = SIZES[0];
const LONG: NonZeroUsize = NonZeroUsize::new(100_001).unwrap();

/// Torn messages of so many, and of what size: as evidence.
struct Count(Load, u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count(Load { writers, size, messages }, torn) = self;
        write!(f, "{writers} x {size} B, {torn} of {} torn", u64::from(*writers) * messages)
    }
}

fn four_writers(
    size: NonZeroUsize,
    messages: u64,
    count: impl Fn(Load) -> anyhow::Result<u64>,
) -> anyhow::Result<Count> {
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
    Processes::fork(&Children::helpers(), load)?.write(load)
}

fn no_atomicity() -> anyhow::Result<Seen> {
    let long = until_torn(SIZES[1], 100)?;
    let short = four_writers(SHORT, 100, through_processes)?;
    Ok(Seen::refuted(short.1 == 0, format!("processes: {short}; {long}")))
}

fn none_added() -> anyhow::Result<Seen> {
    let without = until_torn(LONG, 10)?;
    let with = four_writers(LONG, 10, through_one_file)?;
    Ok(Seen::refuted(with.1 == 0, format!("threads under a lock: {with}; processes without: {without}")))
}

fn none_anywhere() -> anyhow::Result<Seen> {
    let long = until_torn(LONG, 10)?;
    let short = four_writers(SHORT, 100, through_processes)?;
    let (file, memory) = (four_writers(LONG, 10, through_one_file)?, four_writers(LONG, 10, through_memory)?);
    let kept = [&short, &file, &memory].map(|count| count.1 == 0) == [true; 3];
    Ok(Seen::refuted(kept, format!("processes: {long}; but {short}; under a lock {file}; in memory {memory}")))
}
