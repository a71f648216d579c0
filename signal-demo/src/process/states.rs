//! Each state of a process, made with a real child, read from /proc, and cleaned up.
//!
//! D is not beyond all signals, as the note has it: this one ends at a SIGKILL (claim 28). T and t are two
//! states (claim 33). X is left at once, and seldom seen (claim 38).
//!
//! Note: 进程的状态. Go: `os.Process.Signal`, `os.Process.Wait`. Man: proc_pid_stat(5), ptrace(2), vfork(2).

mod dead;
mod uninterruptible;

use std::hint;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueEnum;
use libc::{WEXITED, WNOWAIT, WSTOPPED, pid_t};
use nix::sys::ptrace;
use nix::unistd;
use serde::Serialize;
use shared::report::{self, Failure, Report};

use crate::child::{Child, Event};
use crate::proc;
use crate::signal::{Signal, send};

#[derive(clap::Args)]
pub struct Args {
    /// Only these
    #[arg(value_enum)]
    states: Vec<State>,
    /// Print JSON lines
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum State {
    /// Running, or ready to
    #[value(name = "R")]
    Running,
    /// Asleep until something happens or a signal comes
    #[value(name = "S")]
    Sleeping,
    /// Asleep until something happens
    #[value(name = "D")]
    Uninterruptible,
    /// Stopped
    #[value(name = "T")]
    Stopped,
    /// Stopped by its tracer
    #[value(name = "t")]
    Traced,
    /// Ended, and not waited for
    #[value(name = "Z")]
    Zombie,
    /// Ended, and nobody will wait for it
    #[value(name = "X")]
    Dead,
}

#[derive(Serialize)]
struct Record {
    state: char,
    how: &'static str,
}

/// The state that was seen, or why it cannot be.
type Seen = Result<char, String>;

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let states = if args.states.is_empty() { State::value_variants() } else { &args.states };
    let mut shown = false;
    for state in states {
        let (how, seen) = state.make()?;
        shown |= seen.is_ok();
        match seen {
            Ok(state) => out.pairs(&Record { state, how })?,
            Err(why) => report::narrate(format_args!("{how}: cannot be shown here: {why}")),
        }
    }
    if shown { Ok(()) } else { Err(Failure::CannotShow("no state could be made".to_owned()).into()) }
}

impl State {
    fn make(self) -> anyhow::Result<(&'static str, Seen)> {
        Ok(match self {
            State::Running => ("busy loop", Ok(running()?)),
            State::Sleeping => ("pause", Ok(sleeping()?)),
            State::Uninterruptible => ("parent inside vfork", Ok(uninterruptible::make()?)),
            State::Stopped => ("SIGSTOP", Ok(stopped()?)),
            State::Traced => ("ptrace", traced()?),
            State::Zombie => ("exited, not waited for", Ok(zombie()?)),
            State::Dead => ("parent ignores SIGCHLD", dead::make()?),
        })
    }
}

fn running() -> anyhow::Result<char> {
    let child = Child::fork(|| {
        loop {
            hint::spin_loop();
        }
    })?;
    settled(child.pid(), 'R')
}

fn sleeping() -> anyhow::Result<char> {
    let child = pausing()?;
    settled(child.pid(), 'S')
}

fn stopped() -> anyhow::Result<char> {
    let mut child = pausing()?;
    child.signal(Signal::STOP)?;
    child.wait(WSTOPPED)?;
    settled(child.pid(), 'T')
}

fn traced() -> anyhow::Result<Seen> {
    let mut child = Child::fork(|| {
        ptrace::traceme().map_err(io::Error::from).context("PTRACE_TRACEME")?;
        Ok(send::raise(Signal::STOP)?)
    })?;
    match child.wait(WSTOPPED | WEXITED)? {
        Event::Trapped(_) => Ok(Ok(settled(child.pid(), 't')?)),
        event => Ok(Err(format!("the child was not traced: {event}"))),
    }
}

fn zombie() -> anyhow::Result<char> {
    let mut child = Child::fork(|| Ok(()))?;
    child.wait(WEXITED | WNOWAIT)?;
    settled(child.pid(), 'Z')
}

fn pausing() -> anyhow::Result<Child> {
    Child::fork(|| {
        loop {
            unistd::pause();
        }
    })
}

/// The state of a process as soon as it is `expected`: no event tells that a process has fallen asleep.
fn settled(pid: pid_t, expected: char) -> anyhow::Result<char> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let state = proc::stat(pid)?.state;
        if state == expected {
            return Ok(state);
        }
        if Instant::now() > deadline {
            let what = format!("child {pid} is {state} and does not become {expected}");
            return Err(Failure::Deadline(what).into());
        }
        thread::yield_now();
    }
}
