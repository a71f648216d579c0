//! Each state of a process, made with a real child, read from /proc, and ended by SIGKILL.
//!
//! D is not beyond all signals, as the note has it: this one ends at a SIGKILL (claim 28). T and t are two
//! states (claim 33), and t ends by SIGKILL too (claim 35). To Z it means nothing: it has ended (claim 37). X is
//! left at once, and seldom seen (claim 38).
//!
//! Note: 进程的状态. Go: `os.Process.Signal`, `os.Process.Wait`. Man: proc_pid_stat(5), ptrace(2), vfork(2).

pub mod dead;
pub mod runnable;
pub mod sleeping;
pub mod stopped;
pub mod traced;
pub mod uninterruptible;
pub mod zombie;

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use libc::{WEXITED, pid_t};
use serde::Serialize;
use shared::harness::claims::{Check, Seen, joined};
use shared::harness::report::Report;
use shared::linux::failure::Failure;
use shared::linux::stdio;

use self::uninterruptible::InVfork;
use super::possible::possible;
use crate::child::{Child, Event};
use crate::proc;
use crate::signal::Signal;

#[derive(clap::Args)]
pub struct Args {
    /// Only these
    #[arg(value_enum)]
    states: Vec<State>,
    /// Print JSON lines
    #[arg(long)]
    pub json: bool,
}

pub const CHECKS: &[Check] = &[(25, there_are_more_than_six)];

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
    /// What happened to it at a SIGKILL. X is left too soon to send it one.
    #[serde(skip_serializing_if = "Option::is_none")]
    sigkill: Option<String>,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let states = if args.states.is_empty() { State::value_variants() } else { &args.states };
    let mut shown = false;
    for state in states {
        let how = state.how();
        match possible(state.make())? {
            Ok((state, end)) => {
                shown = true;
                out.pairs(&Record { state, how, sigkill: end.map(|event| event.to_string()) })?;
            }
            Err(why) => stdio::narrate(format_args!("{how}: cannot be shown here: {why}")),
        }
    }
    if shown { Ok(()) } else { Err(Failure::CannotShow("no state could be made".to_owned()).into()) }
}

impl State {
    fn how(self) -> &'static str {
        match self {
            State::Running => "busy loop",
            State::Sleeping => "pause",
            State::Uninterruptible => "parent inside vfork",
            State::Stopped => "SIGSTOP",
            State::Traced => "ptrace",
            State::Zombie => "exited, not waited for",
            State::Dead => "parent ignores SIGCHLD",
        }
    }

    /// The state that is seen, and how it ends.
    fn make(self) -> anyhow::Result<(char, Option<Event>)> {
        Ok(match self {
            State::Running => look_and_kill(runnable::busy()?)?,
            State::Sleeping => look_and_kill(sleeping::pausing()?)?,
            State::Uninterruptible => {
                let parent = InVfork::begin(|| Ok(()), || Ok(()))?;
                (proc::stat(parent.pid())?.state, Some(parent.end_by(Signal::KILL)?))
            }
            State::Stopped => look_and_kill(stopped::make(sleeping::pausing()?)?)?,
            State::Traced => look_and_kill(traced::make()?)?,
            State::Zombie => look_and_kill(zombie::make()?)?,
            State::Dead => (dead::make()?, None),
        })
    }
}

fn look_and_kill(mut child: Child) -> anyhow::Result<(char, Option<Event>)> {
    let state = proc::stat(child.pid())?.state;
    child.signal(Signal::KILL)?;
    Ok((state, Some(child.wait(WEXITED)?)))
}

/// As soon as the state is `expected`: no event tells that a process has fallen asleep.
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

/// Those that can be made, but for X, and those of the processes that there are.
fn there_are_more_than_six() -> anyhow::Result<Seen> {
    let (mut made, mut refused) = (String::new(), None);
    for state in State::value_variants().iter().filter(|state| !matches!(state, State::Dead)) {
        match possible(state.make())? {
            Ok((letter, _)) => made.push(letter),
            Err(why) => refused = Some(format!("{}: {why}", state.how())),
        }
    }
    let found: BTreeSet<char> = proc::stats()?.into_iter().map(|stat| stat.state).collect();
    let found: String = found.into_iter().collect();
    let others: BTreeSet<char> =
        [&*made, &found].concat().chars().filter(|letter| !"RSDTZX".contains(*letter)).collect();
    let others = joined(&others, " and ");
    match refused {
        Some(why) if others.is_empty() => Err(Failure::CannotShow(format!("no seventh state here; {why}")).into()),
        _ => Ok(Seen::outdated(!others.is_empty(), format!("made {made}; found {found}; not among the six: {others}"))),
    }
}
