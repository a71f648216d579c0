//! T: stopped by a signal, until SIGCONT.
//!
//! Note: 进程的状态 ("暂停状态"). Go: `syscall.SIGSTOP`. Man: signal(7), waitid(2), pid_namespaces(7).

use libc::{WCONTINUED, WEXITED, WSTOPPED};
use shared::harness::claims::{Check, Seen};

use super::super::answer::{tell, telling, told};
use super::super::namespace;
use super::super::possible::possible;
use super::uninterruptible::InVfork;
use super::{runnable, settled, sleeping, zombie};
use crate::child::{Child, Event};
use crate::proc;
use crate::signal::{Signal, send};

pub const CHECKS: &[Check] = &[(31, not_all_are_stopped), (32, it_goes_on), (36, others_wait)];

// ANCHOR: make
/// Stops the child.
pub fn make(mut child: Child) -> anyhow::Result<Child> {
    child.signal(Signal::STOP)?;
    child.wait(WSTOPPED)?;
    settled(child.pid(), 'T')?;
    Ok(child)
}
// ANCHOR_END: make

/// The first of a PID namespace is not, by those in it; nor is who has ended.
fn not_all_are_stopped() -> anyhow::Result<Seen> {
    let sleeper = proc::stat(make(sleeping::pausing()?)?.pid())?.state;
    let (in_d, after_d) = stopped_in_d()?;
    let ended = zombie::make()?;
    ended.signal(Signal::STOP)?;
    let ended = proc::stat(ended.pid())?.state;
    let (first, goes_on) = match possible(first_of_a_namespace())? {
        Ok(true) => ("it goes on".to_owned(), true),
        Ok(false) => ("stopped".to_owned(), false),
        Err(why) => (why, true),
    };
    let evidence = format!(
        "S -> {sleeper}; D -> {in_d}, after D {after_d}; Z -> {ended}; PID 1 of a namespace, to itself: {first}"
    );
    Ok(Seen::imprecise((sleeper, in_d, after_d) == ('T', 'D', 'T'), ended == 'Z' && goes_on, evidence))
}

/// The state while it is in D and what comes after it.
fn stopped_in_d() -> anyhow::Result<(char, char)> {
    let mut parent = InVfork::begin(|| Ok(()), || Ok(()))?;
    parent.signal(Signal::STOP)?;
    let in_d = proc::stat(parent.pid())?.state;
    parent.release()?;
    parent.wait(WSTOPPED)?;
    let after_d = settled(parent.pid(), 'T')?;
    parent.signal(Signal::CONT)?;
    parent.succeed()?;
    Ok((in_d, after_d))
}

/// Whether it goes on after it has sent itself a SIGSTOP.
fn first_of_a_namespace() -> anyhow::Result<bool> {
    namespace::unshare()?;
    let (mut first, answer) = telling(|teller| {
        send::raise(Signal::STOP)?;
        Ok(tell(teller, &[1])?)
    })?;
    let goes_on = first.wait(WSTOPPED | WEXITED)? == Event::Exited(0);
    Ok(goes_on && told(&answer)? == [1])
}

fn it_goes_on() -> anyhow::Result<Seen> {
    let mut child = make(runnable::busy()?)?;
    let stopped = proc::stat(child.pid())?.state;
    child.signal(Signal::CONT)?;
    let event = child.wait(WCONTINUED)?;
    let continued = settled(child.pid(), 'R')?;
    let as_noted = (stopped, event, continued) == ('T', Event::Continued, 'R');
    Ok(Seen::holds(as_noted, format!("{stopped} -> {event} -> {continued}")))
}

fn others_wait() -> anyhow::Result<Seen> {
    let (mut one, mut other) = (make(sleeping::pausing()?)?, make(sleeping::pausing()?)?);
    let mut waits = Vec::new();
    for child in [&one, &other] {
        child.signal(Signal::TERM)?;
        waits.push(proc::masks(child.pid())?.pending.contains(libc::SIGTERM));
    }
    let states = [proc::stat(one.pid())?.state, proc::stat(other.pid())?.state];
    one.signal(Signal::CONT)?;
    other.signal(Signal::KILL)?;
    let ends = [one.wait(WEXITED)?, other.wait(WEXITED)?];
    let killed = |signal| Event::Killed { signal, core: false };
    let as_noted = waits == [true; 2] && states == ['T'; 2] && ends == [killed(libc::SIGTERM), killed(libc::SIGKILL)];
    let evidence = format!(
        "SIGTERM to two: {} and {}, pending for {}; then SIGCONT to one: {}; SIGKILL to the other: {}",
        states[0],
        states[1],
        waits.iter().filter(|&&waits| waits).count(),
        ends[0],
        ends[1]
    );
    Ok(Seen::holds(as_noted, evidence))
}
