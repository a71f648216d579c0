//! Processes that add to one number in shared memory, and how many of their updates are lost.
//!
//! Each update reads the number, lets others have the CPU, and writes it back one higher: what another
//! wrote in between is lost. Reading and writing are two steps. An atomic operation makes them one; a critical
//! section keeps the others out between them, be it guarded by a mutex or by a token.
//!
//! Note: 关于同步. Go: `sync/atomic`, `sync.Mutex`. Man: mmap(2), sched_yield(2).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::ValueEnum;
use nix::sched::sched_yield;
use serde::Serialize;
use shared::harness::report::Report;
use shared::harness::story;
use shared::linux::child::Children;
use shared::linux::memory::SharedMemory;

use crate::mutex::ProcessMutex;
use crate::racers::Racers;
use crate::token::Token;

#[derive(clap::Args)]
pub struct Args {
    /// How the processes keep out of each other's way [default: each in turn]
    #[arg(long, value_enum)]
    how: Option<How>,
    /// Number of processes
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=64))]
    processes: u64,
    /// Number of updates that each makes
    #[arg(long, value_name = "N", default_value_t = 5000)]
    updates: u64,
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", value_parser = shared::harness::duration::limit, default_value = "30s")]
    timeout: Duration,
}

#[derive(Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// Not at all
    Plain,
    /// By an atomic operation
    Atomic,
    /// By a mutex in shared memory
    Mutex,
    /// By a pipe that holds one byte
    Token,
}

#[derive(Serialize)]
pub struct Outcome {
    pub how: How,
    pub processes: u64,
    pub updates: u64,
    pub counted: u64,
    pub lost: u64,
    /// The most processes that were between reading and writing at one time; an atomic operation has no between.
    pub most_inside: Option<u64>,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let (children, mut out) = (Children::helpers(), out.for_thread());
    let Args { processes, updates, .. } = *args;
    let hows = args.how.as_ref().map_or(How::value_variants(), std::slice::from_ref);
    // All are forked, to wait at their gates, before the program gets a second thread.
    let races = hows.iter().map(|&how| Race::prepare(&children, how, processes, updates));
    let races = races.collect::<anyhow::Result<Vec<_>>>()?;
    story::tell(args.timeout, &children, move |_| races.into_iter().try_for_each(|race| out.pairs(&race.start()?)))
}

/// One race, for whoever has no limit to its time.
pub fn race(how: How, processes: u64, updates: u64) -> anyhow::Result<Outcome> {
    Race::prepare(&Children::helpers(), how, processes, updates)?.start()
}

struct Race {
    how: How,
    processes: u64,
    updates: u64,
    number: SharedMemory<Number>,
    racers: Racers,
}

impl Race {
    fn prepare(children: &Children, how: How, processes: u64, updates: u64) -> anyhow::Result<Race> {
        let (number, add_one) = (SharedMemory::new(Number::default())?, add_one(how)?);
        let racers = Racers::at_the_gate(children, processes, || (0..updates).try_for_each(|_| add_one(&number)))?;
        Ok(Race { how, processes, updates, number, racers })
    }

    fn start(self) -> anyhow::Result<Outcome> {
        self.racers.start()?;
        let (how, processes, updates) = (self.how, self.processes, self.processes.saturating_mul(self.updates));
        let counted = self.number.value.load(Ordering::SeqCst);
        let most_inside = Some(self.number.most_inside.load(Ordering::SeqCst)).filter(|&most| most > 0);
        Ok(Outcome { how, processes, updates, counted, lost: updates.saturating_sub(counted), most_inside })
    }
}

type Add = Box<dyn Fn(&Number) -> anyhow::Result<()>>;

fn add_one(how: How) -> anyhow::Result<Add> {
    Ok(match how {
        How::Plain => Box::new(|number| {
            number.add_one_in_two_steps();
            Ok(())
        }),
        How::Atomic => Box::new(|number| Ok(_ = number.value.fetch_add(1, Ordering::Relaxed))),
        How::Mutex => {
            let mutex = ProcessMutex::shared()?;
            Box::new(move |number| mutex.exclusively(|| number.add_one_in_two_steps()))
        }
        How::Token => {
            let token = Token::new()?;
            Box::new(move |number| token.exclusively(|| number.add_one_in_two_steps()))
        }
    })
}

/// What they race for.
#[derive(Default)]
struct Number {
    value: AtomicU64,
    inside: AtomicU64,
    most_inside: AtomicU64,
}

impl Number {
    // ANCHOR: steps
    /// The read and the write are atomic each, together they are not: in between the others
    /// get the CPU.
    fn add_one_in_two_steps(&self) {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        let value = self.value.load(Ordering::Relaxed);
        let _ = sched_yield();
        self.value.store(value + 1, Ordering::Relaxed);
        self.most_inside.fetch_max(inside, Ordering::SeqCst);
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }
    // ANCHOR_END: steps
}
