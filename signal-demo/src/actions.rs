//! What a process can have a signal do to it, and which signals leave no choice.
//!
//! The note knows three reactions: ignore, catch, default. A fourth is to block the signal and take it when it
//! suits (claims 113, 116). SIGKILL and SIGSTOP refuse all but the default, and to block them does nothing (127).
//!
//! Note: 信号. Go: `signal.Ignore`, `signal.Notify`, `signal.Reset`.
//! Man: sigaction(2), sigwait(3), signalfd(2), pid_namespaces(7).

use anyhow::{Context, ensure};
use libc::{WEXITED, WSTOPPED};
use nix::sched::CloneFlags;
use nix::unistd;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;
use shared::linux::child::event::Event;
use shared::linux::child::forked::Forked;
use shared::linux::failure::Failure;
use shared::linux::namespace::own;

use crate::signal::action::{self, Action};
use crate::signal::set::Set;
use crate::signal::{Signal, handler, send};
use crate::{order, queue};

#[derive(clap::Args)]
pub struct Args {
    /// Also what the two do to the first process of a PID namespace, when it sends them to itself
    #[arg(long)]
    first_process: bool,
}

#[derive(Serialize)]
pub struct Record {
    signal: Signal,
    pub action: &'static str,
    #[serde(flatten)]
    pub observed: Observed,
}

/// What process 1 made of SIGSTOP and SIGKILL.
#[derive(Serialize)]
pub struct FirstProcess {
    pub pid: i32,
    pub observed: Event,
}

#[derive(PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed {
    /// This became of a child that sent itself the signal.
    #[serde(rename = "observed")]
    Child(Event),
    /// This number of times.
    HandlerRan(usize),
    Sigaction(Outcome),
    #[serde(untagged)]
    Taken {
        taken_by: &'static str,
        taken_signals: Vec<Signal>,
    },
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    for record in with_a_choice(Signal::USR1)? {
        out.pairs(&record)?;
    }
    for signal in [Signal::KILL, Signal::STOP] {
        for record in without_a_choice(signal)? {
            out.pairs(&record)?;
        }
    }
    if args.first_process { out.pairs(&first_process()?) } else { Ok(()) }
}

pub fn with_a_choice(signal: Signal) -> anyhow::Result<[Record; 5]> {
    Ok([
        ("default", Observed::Child(in_a_child(signal, Action::Default, Set::EMPTY)?)),
        ("ignore", Observed::Child(in_a_child(signal, Action::Ignore, Set::EMPTY)?)),
        ("catch", Observed::HandlerRan(queue::send_handled(signal, 1)?.arrived)),
        ("block", Observed::Taken { taken_by: "sigwait", taken_signals: take(signal, order::by_sigwait)? }),
        ("block", Observed::Taken { taken_by: "signalfd", taken_signals: take(signal, order::by_signalfd)? }),
    ]
    .map(|(action, observed)| Record { signal, action, observed }))
}

pub fn without_a_choice(signal: Signal) -> anyhow::Result<[Record; 3]> {
    Ok([
        ("ignore", answer(Action::Ignore, signal)?),
        ("catch", answer(Action::Catch { handler: handler::note, mask: Set::EMPTY }, signal)?),
        ("block", Observed::Child(in_a_child(signal, Action::Default, Set::ALL)?)),
    ]
    .map(|(action, observed)| Record { signal, action, observed }))
}

// ANCHOR: child
/// What becomes of a child that sends itself the signal.
fn in_a_child(signal: Signal, action: Action, blocked: Set) -> anyhow::Result<Event> {
    let mut child = Forked::new(|| {
        // To set the default is refused too where there is no choice.
        if action::is_free(signal)? {
            action.set(signal)?;
        }
        blocked.become_mask()?;
        send::to_self(signal)
    })?;
    child.wait(WEXITED | WSTOPPED)
}
// ANCHOR_END: child

/// Blocked, sent and taken; no handler is set for it.
fn take(signal: Signal, means: fn(&[Signal]) -> anyhow::Result<Vec<Signal>>) -> anyhow::Result<Vec<Signal>> {
    Action::Default.set(signal).with_context(|| format!("reset {signal}"))?;
    means(&[signal])
}

fn answer(action: Action, signal: Signal) -> anyhow::Result<Observed> {
    Outcome::succeeds(action.set(signal)).map(Observed::Sigaction).with_context(|| format!("sigaction {signal}"))
}

/// The one exception: what process 1 of a PID namespace sends itself does nothing.
///
/// Last, since this process has no other children afterwards.
pub fn first_process() -> anyhow::Result<FirstProcess> {
    own(CloneFlags::CLONE_NEWPID)
        .map_err(|error| Failure::CannotShow(format!("no PID namespace: {}", std::io::Error::from(error))))?;
    let mut first = Forked::new(|| {
        ensure!(unistd::getpid().as_raw() == 1, "not the first process");
        send::to_self(Signal::STOP)?;
        send::to_self(Signal::KILL)
    })?;
    Ok(FirstProcess { pid: 1, observed: first.wait(WEXITED | WSTOPPED)? })
}
