//! t: stopped, and its tracer decides how it goes on.
//!
//! Note: 进程的状态 ("跟踪状态"). Go: `syscall.PtraceCont`. Man: ptrace(2).

use std::io::{self, PipeReader, PipeWriter};

use anyhow::{Context, bail};
use libc::{WCONTINUED, WEXITED, WSTOPPED};
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use nix::unistd::{Pid, getpid, getppid};
use serde::Serialize;
use shared::linux::child::answer::{await_turn, give_turn, tell, telling, told};
use shared::linux::child::event::{Event, waitid};
use shared::linux::child::fork::exit;
use shared::linux::child::forked::{Forked, become_subreaper, close_copy, fork};
use shared::linux::failure::Failure;
use shared::linux::proc;

use super::settled::{becomes, settled};

/// We are the tracer. When it goes on it exits with 0.
pub fn make() -> anyhow::Result<Forked> {
    let us = getpid();
    let mut child = Forked::new(|| stop_for(us, Signal::SIGSTOP))?;
    match child.wait(WSTOPPED | WEXITED)? {
        Event::Trapped(_) => settled(child, 't'),
        Event::Exited(errno) if errno != 0 => {
            Err(Failure::CannotShow(format!("PTRACE_TRACEME: {}", Errno::from_raw(errno).desc())).into())
        }
        event => bail!("the child was not traced: {event}"),
    }
}

/// Where it may not be traced it exits with the error. An adopter would be its tracer, and never let it go on.
fn stop_for(tracer: Pid, signal: Signal) -> anyhow::Result<()> {
    match ptrace::traceme() {
        Ok(()) if getppid() != tracer => bail!("the tracer has ended"),
        Ok(()) => raise(signal).with_context(|| format!("raise {signal}")),
        Err(errno) => exit(errno as i32),
    }
}

fn go_on(child: &Forked) -> anyhow::Result<()> {
    ptrace::cont(Pid::from_raw(child.pid()), None).context("PTRACE_CONT")
}

/// A traced process at a SIGCONT, and what it does when its tracer lets it go on.
#[derive(Serialize)]
pub struct AtSigcont {
    pub sigcont_waits: bool,
    pub seen: char,
    /// What waitid(2) tells of the SIGCONT, if anything.
    pub event: Option<Event>,
    pub at_ptrace_cont: Event,
}

/// The SIGCONT stays pending, and stops the process once more when its tracer lets it go on.
pub fn sigcont() -> anyhow::Result<AtSigcont> {
    let mut child = make()?;
    child.signal(Signal::SIGCONT)?;
    let (seen, event) = (proc::stat(child.pid())?.state, child.look(WEXITED | WSTOPPED | WCONTINUED)?);
    let sigcont_waits = proc::masks(child.pid())?.has_pending(libc::SIGCONT);
    go_on(&child)?;
    Ok(AtSigcont { sigcont_waits, seen, event, at_ptrace_cont: child.wait(WEXITED | WSTOPPED)? })
}

/// A traced process that its tracer lets go on; and another's state before and after the end of its tracer.
#[derive(Serialize)]
pub struct LetGo {
    pub at_ptrace_cont: Event,
    pub traced: char,
    pub tracer_ended: char,
}

pub fn let_go() -> anyhow::Result<LetGo> {
    let mut child = make()?;
    go_on(&child)?;
    let at_ptrace_cont = child.wait(WEXITED)?;
    let (traced, tracer_ended) = abandoned()?;
    Ok(LetGo { at_ptrace_cont, traced, tracer_ended })
}

/// The state before and after the end of its tracer, which is a child of ours.
fn abandoned() -> anyhow::Result<(char, char)> {
    // To reap it, for it has lost its parent too.
    become_subreaper(true)?;
    let (turn, give) = io::pipe().context("pipe")?;
    let (tracer, answer) = telling(|teller| {
        close_copy(&give)?;
        trace(&turn, teller)
    })?;
    let [pid] = told(&answer)?;
    let before = becomes(pid, 't')?;
    give_turn(&give)?;
    tracer.succeed()?;
    // It goes on, says so, and sleeps until its turn.
    let [_] = told(&answer)?;
    let after = becomes(pid, 'S')?;
    drop(give);
    waitid(pid, WEXITED).with_context(|| format!("wait for process {pid}"))?;
    Ok((before, after))
}

/// The traced process stops for a signal that does nothing by default, so that it goes on when its tracer has ended.
fn trace(turn: &PipeReader, teller: &PipeWriter) -> anyhow::Result<()> {
    let us = getpid();
    let pid = fork(|| {
        stop_for(us, Signal::SIGURG)?;
        tell(teller, &[0])?;
        await_turn(turn)?;
        Ok(())
    })?;
    match waitid(pid, WSTOPPED | WEXITED).with_context(|| format!("wait for process {pid}"))? {
        Some(Event::Trapped(_)) => tell(teller, &[pid])?,
        event => bail!("process {pid} was not traced: {event:?}"),
    }
    await_turn(turn)?;
    Ok(())
}
