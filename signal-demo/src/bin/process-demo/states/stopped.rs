//! T: stopped by a signal, until SIGCONT.
//!
//! Note: 进程的状态 ("暂停状态"). Go: `syscall.SIGSTOP`. Man: signal(7), waitid(2), pid_namespaces(7).

use anyhow::Context;
use libc::{WCONTINUED, WEXITED, WSTOPPED};
use nix::sys::signal::{SigHandler, Signal, raise};
use serde::{Deserialize, Serialize};
use shared::linux::child::event::Event;
use shared::linux::child::forked::{Forked, pause};
use shared::linux::{proc, signals};

use super::settled::{becomes, settled};
use super::uninterruptible::InVfork;
use super::{runnable, zombie};
use crate::namespace::with_own_pids;

// ANCHOR: make
/// Stops the child.
pub fn make(mut child: Forked) -> anyhow::Result<Forked> {
    child.signal(Signal::SIGSTOP)?;
    child.wait(WSTOPPED)?;
    settled(child, 'T')
}
// ANCHOR_END: make

/// The states of children after a SIGSTOP: of one in D, then and when D is over, and of a zombie.
#[derive(Serialize)]
pub struct OthersAtSigstop {
    pub in_d: char,
    pub after_d: char,
    pub zombie: char,
}

pub fn others_at_sigstop() -> anyhow::Result<OthersAtSigstop> {
    let mut asleep = InVfork::begin(|| Ok(()), || Ok(()))?;
    asleep.parent.signal(Signal::SIGSTOP)?;
    let in_d = proc::stat(asleep.parent.pid())?.state;
    asleep.release()?;
    asleep.parent.wait(WSTOPPED)?;
    let after_d = becomes(asleep.parent.pid(), 'T')?;
    asleep.parent.signal(Signal::SIGCONT)?;
    asleep.parent.succeed()?;
    let zombie = zombie::make()?;
    zombie.signal(Signal::SIGSTOP)?;
    Ok(OthersAtSigstop { in_d, after_d, zombie: proc::stat(zombie.pid())?.state })
}

/// The first process of a PID namespace, after it has sent itself a SIGSTOP.
#[derive(Serialize, Deserialize)]
pub struct FirstAtSigstop {
    pub pid_1_goes_on: bool,
}

pub fn first_at_sigstop() -> anyhow::Result<FirstAtSigstop> {
    with_own_pids(|| {
        let mut first = Forked::new(|| raise(Signal::SIGSTOP).context("raise SIGSTOP"))?;
        Ok(FirstAtSigstop { pid_1_goes_on: first.wait(WSTOPPED | WEXITED)? == Event::Exited(0) })
    })
}

/// A busy loop that was stopped, at a SIGCONT.
#[derive(Serialize)]
pub struct Continued {
    pub before: char,
    pub sigcont: Event,
    pub after: char,
}

pub fn continued() -> anyhow::Result<Continued> {
    let mut child = make(runnable::busy()?)?;
    let before = proc::stat(child.pid())?.state;
    child.signal(Signal::SIGCONT)?;
    let sigcont = child.wait(WCONTINUED)?;
    Ok(Continued { before, sigcont, after: becomes(child.pid(), 'R')? })
}

/// Two that are stopped get a SIGTERM; then one a SIGCONT, and the other a SIGKILL.
#[derive(Serialize)]
pub struct OtherSignals {
    /// Their states after the SIGTERM.
    pub states: String,
    /// For how many the SIGTERM waits.
    pub sigterm_waits: usize,
    pub at_sigcont: Event,
    pub at_sigkill: Event,
}

pub fn other_signals() -> anyhow::Result<OtherSignals> {
    let (mut one, mut other) = (make(ending_by_sigterm()?)?, make(ending_by_sigterm()?)?);
    let (mut states, mut sigterm_waits) = (String::new(), 0);
    for child in [&one, &other] {
        child.signal(Signal::SIGTERM)?;
        sigterm_waits += usize::from(proc::masks(child.pid())?.has_pending(libc::SIGTERM));
        states.push(proc::stat(child.pid())?.state);
    }
    one.signal(Signal::SIGCONT)?;
    other.signal(Signal::SIGKILL)?;
    Ok(OtherSignals { states, sigterm_waits, at_sigcont: one.wait(WEXITED)?, at_sigkill: other.wait(WEXITED)? })
}

pub fn ending_by_sigterm() -> anyhow::Result<Forked> {
    let child = Forked::new(|| {
        signals::set(Signal::SIGTERM, SigHandler::SigDfl).context("reset SIGTERM")?;
        pause()
    })?;
    settled(child, 'S')
}
