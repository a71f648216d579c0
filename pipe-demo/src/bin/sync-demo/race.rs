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
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::sched_yield;
use nix::unistd::Pid;
use serde::Serialize;
use shared::harness::claims::{Check, Seen, seen};
use shared::harness::report::Report;
use shared::linux::pidfd::PidFd;
use shared::linux::readiness::restart;

use crate::mutex::ProcessMutex;
use shared::harness::story;
use shared::linux::child::{Children, wait_for};
use shared::linux::gate::Gate;
use shared::linux::memory::SharedMemory;

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
    #[arg(long, value_parser = shared::harness::duration::parse, default_value = "30s")]
    timeout: Duration,
}

pub const CHECKS: &[Check] = &[(62, updates_are_lost), (69, one_visitor_at_a_time)];

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
    /// The most that were between reading and writing at one time.
    #[serde(skip)]
    visitors: u64,
}

pub fn run(args: &Args, mut out: Report) -> anyhow::Result<()> {
    let children = Children::helpers();
    let Args { processes, updates, .. } = *args;
    let hows = args.how.as_ref().map_or(How::value_variants(), std::slice::from_ref);
    // All are forked, to wait at their gates, before the program gets a second thread.
    let races = hows.iter().map(|&how| Race::prepare(&children, how, processes, updates));
    let races = races.collect::<anyhow::Result<Vec<_>>>()?;
    story::tell(args.timeout, &children, move |_| races.into_iter().try_for_each(|race| out.pairs(&race.start()?)))
}

fn updates_are_lost() -> anyhow::Result<Seen> {
    let (plain, atomic) = (unprotected()?, outcome(How::Atomic)?);
    Ok(Seen::holds(plain.lost > 0 && atomic.lost == 0, format!("{}; {}", seen(&plain), seen(&atomic))))
}

fn one_visitor_at_a_time() -> anyhow::Result<Seen> {
    let [plain, mutex, token] =
        [unprotected()?, outcome(How::Mutex)?, outcome(How::Token)?].map(|outcome| (outcome.visitors, outcome.lost));
    let figures = |(visitors, lost)| format!("at most {visitors} inside, {lost} updates lost");
    let evidence =
        format!("by mutex: {}; by a token: {}; by neither: {}", figures(mutex), figures(token), figures(plain));
    Ok(Seen::holds(mutex == (1, 0) && token == (1, 0) && plain.0 > 1, evidence))
}

fn outcome(how: How) -> anyhow::Result<Outcome> {
    Race::prepare(&Children::helpers(), how, 4, 100)?.start()
}

/// If one was through before the next began, once more.
fn unprotected() -> anyhow::Result<Outcome> {
    let mut races = (0..100).map(|_| outcome(How::Plain));
    races.find(|race| race.as_ref().map_or(true, |race| race.lost > 0)).unwrap_or_else(|| outcome(How::Plain))
}

struct Race {
    how: How,
    updates: u64,
    gate: Gate,
    number: SharedMemory<Number>,
    racers: Vec<Pid>,
}

impl Race {
    fn prepare(children: &Children, how: How, processes: u64, updates: u64) -> anyhow::Result<Race> {
        let (gate, number, lock) = (Gate::new()?, SharedMemory::new(Number::default())?, Lock::new(how)?);
        let racer = || gate.pass().is_ok() && (0..updates).all(|_| lock.add_one(&number).is_ok());
        let racers = (0..processes).map(|_| children.fork(|| u8::from(!racer()))).collect::<anyhow::Result<_>>()?;
        Ok(Race { how, updates, gate, number, racers })
    }

    fn start(self) -> anyhow::Result<Outcome> {
        self.gate.open(self.racers.len())?;
        let processes = self.racers.len() as u64;
        wait_for_all(self.racers)?;
        let (updates, counted) = (processes.saturating_mul(self.updates), self.number.value.load(Ordering::SeqCst));
        let (lost, visitors) = (updates.saturating_sub(counted), self.number.most.load(Ordering::SeqCst));
        Ok(Outcome { how: self.how, processes, updates, counted, lost, visitors })
    }
}

/// Waits for whichever ends first: one that was killed inside took the token with it, and the others wait in vain.
fn wait_for_all(mut racers: Vec<Pid>) -> anyhow::Result<()> {
    let open = |racer: &Pid| PidFd::open(racer.as_raw()).with_context(|| format!("pidfd_open {racer}"));
    let mut ends = racers.iter().map(open).collect::<anyhow::Result<Vec<_>>>()?;
    while !racers.is_empty() {
        let mut fds: Vec<_> = ends.iter().map(|end| PollFd::new(end.as_fd(), PollFlags::POLLIN)).collect();
        restart(|| Ok(poll(&mut fds, PollTimeout::NONE)?)).context("poll the racers")?;
        let ended = fds.iter().position(|fd| fd.any() == Some(true)).context("no racer has ended")?;
        ends.swap_remove(ended);
        wait_for(racers.swap_remove(ended))?;
    }
    Ok(())
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

    // ANCHOR: how
    fn add_one(&self, number: &Number) -> anyhow::Result<()> {
        match self {
            Lock::None => number.add_one_in_two_steps(),
            Lock::Unneeded => {
                number.value.fetch_add(1, Ordering::Relaxed);
            }
            Lock::Mutex(mutex) => mutex.exclusively(|| number.add_one_in_two_steps())?,
            Lock::Token(token) => token.exclusively(|| number.add_one_in_two_steps())?,
        }
        Ok(())
    }
    // ANCHOR_END: how
}

/// What they race for.
#[derive(Default)]
struct Number {
    value: AtomicU64,
    inside: AtomicU64,
    most: AtomicU64,
}

impl Number {
    // ANCHOR: steps
    /// Read and write are atomic each, together they are not; in between the others get the CPU.
    fn add_one_in_two_steps(&self) {
        let visitors = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        let value = self.value.load(Ordering::Relaxed);
        let _ = sched_yield();
        self.value.store(value + 1, Ordering::Relaxed);
        self.most.fetch_max(visitors, Ordering::SeqCst);
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }
    // ANCHOR_END: steps
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

    // ANCHOR: token
    fn exclusively(&self, work: impl FnOnce()) -> io::Result<()> {
        let mut token = [0];
        (&self.taken).read_exact(&mut token)?;
        work();
        (&self.given_back).write_all(&token)
    }
    // ANCHOR_END: token
}
