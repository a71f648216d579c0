//! t: stopped, and its tracer decides how it goes on.
//!
//! Note: 进程的状态 ("跟踪状态"). Go: `syscall.PtraceCont`. Man: ptrace(2).

use std::io::{self, PipeReader, PipeWriter};
use std::process;

use anyhow::{Context, anyhow};
use libc::{WEXITED, WSTOPPED};
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::unistd::Pid;
use shared::harness::claims::{Check, Seen};
use shared::linux::failure::Failure;

use super::super::answer::{await_turn, give_turn, tell, telling, told};
use super::super::orphan::become_subreaper;
use super::{settled, sleeping, stopped};
use crate::child::{self, Child, Event};
use crate::proc;
use crate::signal::{Signal, send};

pub const CHECKS: &[Check] = &[(33, they_are_two), (34, sigcont_does_not_help), (35, sigkill_ends_it)];

// ANCHOR: make
/// We are the tracer. When it goes on it exits with 0.
pub fn make() -> anyhow::Result<Child> {
    let mut child = Child::fork(|| stop_for_the_tracer(Signal::STOP))?;
    match child.wait(WSTOPPED | WEXITED)? {
        Event::Trapped(_) => settled(child.pid(), 't')?,
        event => return Err(refused(event)),
    };
    Ok(child)
}

/// Where it may not be traced it exits with the error.
fn stop_for_the_tracer(signal: Signal) -> anyhow::Result<()> {
    match ptrace::traceme() {
        Ok(()) => Ok(send::raise(signal)?),
        Err(errno) => process::exit(errno as i32),
    }
}
// ANCHOR_END: make

fn refused(event: Event) -> anyhow::Error {
    match event {
        Event::Exited(errno) if errno != 0 => {
            Failure::CannotShow(format!("PTRACE_TRACEME: {}", Errno::from_raw(errno))).into()
        }
        event => anyhow!("the child was not traced: {event}"),
    }
}

fn go_on(child: &Child) -> anyhow::Result<()> {
    ptrace::cont(Pid::from_raw(child.pid()), None).map_err(io::Error::from).context("PTRACE_CONT")
}

fn they_are_two() -> anyhow::Result<Seen> {
    let (stopped, traced) = (stopped::make(sleeping::pausing()?)?, make()?);
    let [stopped, traced] = [proc::stat(stopped.pid())?.state, proc::stat(traced.pid())?.state];
    Ok(Seen::outdated(stopped == 'T' && traced == 't', format!("stopped: {stopped}, traced: {traced}")))
}

/// It waits, and when the tracer lets the process go on that stops for it anew.
fn sigcont_does_not_help() -> anyhow::Result<Seen> {
    let mut child = make()?;
    child.signal(Signal::CONT)?;
    let (state, event) = (proc::stat(child.pid())?.state, child.look(WEXITED | WSTOPPED | libc::WCONTINUED)?);
    let pending = proc::masks(child.pid())?.pending.contains(libc::SIGCONT);
    go_on(&child)?;
    let next = child.wait(WEXITED | WSTOPPED)?;
    let still = state == 't' && event.is_none() && pending;
    let waits = if pending { "pending" } else { "not pending" };
    let event = event.map_or("no event".to_owned(), |event| event.to_string());
    let evidence = format!("SIGCONT: {waits}, state {state}, {event}; PTRACE_CONT: {next}");
    Ok(Seen::holds(still && next == Event::Trapped(libc::SIGCONT), evidence))
}

fn sigkill_ends_it() -> anyhow::Result<Seen> {
    let mut continued = make()?;
    go_on(&continued)?;
    let continued = continued.wait(WEXITED)?;
    let (before, after) = abandoned()?;
    let mut killed = make()?;
    killed.signal(Signal::KILL)?;
    let killed = killed.wait(WEXITED)?;
    let as_noted = continued == Event::Exited(0) && (before, after) == ('t', 'S');
    let exception = killed == Event::Killed { signal: libc::SIGKILL, core: false };
    let evidence = format!("PTRACE_CONT: {continued}; its tracer ends: {before} -> {after}; SIGKILL: {killed}");
    Ok(Seen::imprecise(as_noted, exception, evidence))
}

/// The state before and after the end of its tracer, which is a child of ours.
fn abandoned() -> anyhow::Result<(char, char)> {
    // To reap it, for it has lost its parent too.
    become_subreaper(true)?;
    let (turn, give) = io::pipe().context("pipe")?;
    let (tracer, answer) = telling(|teller| {
        child::close_copy(&give)?;
        trace(&turn, teller)
    })?;
    let [pid] = told(&answer)?;
    let before = settled(pid, 't')?;
    give_turn(&give)?;
    tracer.succeed()?;
    // It goes on, says so, and sleeps until its turn.
    let [_] = told(&answer)?;
    let after = settled(pid, 'S')?;
    drop(give);
    child::waitid(pid, WEXITED).with_context(|| format!("wait for process {pid}"))?;
    Ok((before, after))
}

/// The signal for which the traced one stops does nothing by default: it does not keep it from going on.
fn trace(turn: &PipeReader, teller: &PipeWriter) -> anyhow::Result<()> {
    let pid = child::fork(|| {
        stop_for_the_tracer(Signal::URG)?;
        tell(teller, &[0])?;
        await_turn(turn)?;
        Ok(())
    })?;
    match child::waitid(pid, WSTOPPED | WEXITED)? {
        Some(Event::Trapped(_)) => tell(teller, &[pid])?,
        event => anyhow::bail!("process {pid} was not traced: {event:?}"),
    }
    await_turn(turn)?;
    Ok(())
}
