//! Processes that add to one number in shared memory, and how many of their updates are lost.
//!
//! Each update reads the number, lets others have the CPU, and writes it back one higher: what another
//! wrote in between is lost. It is not the interruption that loses it, it happens on two CPUs with none;
//! it is that reading and writing are two steps. An atomic operation makes them one, a critical section
//! keeps the others out between them. The lock may be a mutex, or a pipe with one byte in it: whoever
//! could read the byte is inside, and writes it back (so GNU make's jobserver counts its jobs).
//!
//! Note: 关于同步. Go: `sync/atomic`, `sync.Mutex`. Man: mmap(2), pipe(7).

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use nix::sched::sched_yield;
use nix::unistd::Pid;
use serde::Serialize;
use shared::report::Report;

use super::gate::Gate;
use super::memory::SharedMemory;
use super::mutex::ProcessMutex;
use crate::children::{self, Children, wait_for};

#[derive(clap::Args)]
pub struct Args {
    /// How the processes keep out of each other's way [default: each in turn]
    #[arg(long, value_enum)]
    how: Option<How>,
    /// So many processes
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=64))]
    processes: u64,
    /// Each adds one so often
    #[arg(long, value_name = "N", default_value_t = 5000)]
    updates: u64,
    /// Give up then
    #[arg(long, value_parser = shared::duration::parse, default_value = "30s")]
    timeout: Duration,
}

#[derive(Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum How {
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
struct Outcome {
    how: How,
    processes: u64,
    updates: u64,
    counted: u64,
    lost: u64,
}

pub fn run(args: &Args, mut out: Report) -> anyhow::Result<()> {
    let children = Children::default();
    let hows = args.how.as_ref().map_or(How::value_variants(), std::slice::from_ref);
    // All are forked, to wait at their gates, before the program gets a second thread.
    let races = hows.iter().map(|&how| Race::prepare(&children, how, args)).collect::<anyhow::Result<Vec<_>>>()?;
    children::supervise(args.timeout, &children, move |_| {
        races.into_iter().try_for_each(|race| out.pairs(&race.start()?))
    })
}

struct Race {
    how: How,
    updates: u64,
    gate: Gate,
    number: SharedMemory<AtomicU64>,
    racers: Vec<Pid>,
}

impl Race {
    fn prepare(children: &Children, how: How, args: &Args) -> anyhow::Result<Race> {
        let (gate, number, lock) = (Gate::new()?, SharedMemory::new(AtomicU64::new(0))?, Lock::new(how)?);
        let racer = || gate.pass().is_ok() && (0..args.updates).all(|_| lock.add_one(&number).is_ok());
        let racers =
            (0..args.processes).map(|_| children.fork(|| u8::from(!racer()))).collect::<anyhow::Result<_>>()?;
        Ok(Race { how, updates: args.updates, gate, number, racers })
    }

    fn start(self) -> anyhow::Result<Outcome> {
        self.gate.open(self.racers.len())?;
        let processes = self.racers.len() as u64;
        self.racers.into_iter().try_for_each(wait_for)?;
        let (updates, counted) = (processes.saturating_mul(self.updates), self.number.load(Ordering::SeqCst));
        Ok(Outcome { how: self.how, processes, updates, counted, lost: updates.saturating_sub(counted) })
    }
}

enum Lock {
    None,
    Unneeded,
    Mutex(SharedMemory<ProcessMutex>),
    Token(Token),
}

impl Lock {
    fn new(how: How) -> anyhow::Result<Lock> {
        Ok(match how {
            How::Plain => Lock::None,
            How::Atomic => Lock::Unneeded,
            How::Mutex => Lock::Mutex(ProcessMutex::shared()?),
            How::Token => Lock::Token(Token::new()?),
        })
    }

    fn add_one(&self, number: &AtomicU64) -> anyhow::Result<()> {
        match self {
            Lock::None => add_one_in_two_steps(number),
            Lock::Unneeded => {
                number.fetch_add(1, Ordering::Relaxed);
            }
            Lock::Mutex(mutex) => mutex.exclusively(|| add_one_in_two_steps(number))?,
            Lock::Token(token) => token.exclusively(|| add_one_in_two_steps(number))?,
        }
        Ok(())
    }
}

/// Read and write are atomic each, together they are not; in between the others get the CPU.
fn add_one_in_two_steps(number: &AtomicU64) {
    let value = number.load(Ordering::Relaxed);
    let _ = sched_yield();
    number.store(value + 1, Ordering::Relaxed);
}

/// A pipe with one byte in it: the right to be in the critical section.
struct Token {
    taken: PipeReader,
    given_back: PipeWriter,
}

impl Token {
    fn new() -> anyhow::Result<Token> {
        let (taken, given_back) = io::pipe().context("pipe")?;
        (&given_back).write_all(&[0]).context("write the token")?;
        Ok(Token { taken, given_back })
    }

    fn exclusively(&self, work: impl FnOnce()) -> io::Result<()> {
        let mut token = [0];
        (&self.taken).read_exact(&mut token)?;
        work();
        (&self.given_back).write_all(&token)
    }
}
