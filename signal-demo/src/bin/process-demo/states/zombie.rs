//! Z: ended, and kept for its parent, who is told by SIGCHLD and has not yet waited for it.
//!
//! Whether the process was "detached", by a session of its own and another program, makes no difference (claim 40):
//! it is the parent that does, by waiting, by ignoring SIGCHLD (see dead.rs), or by ending itself.
//!
//! Note: 进程的状态 ("僵尸进程", "退出状态"). Go: `os.Process.Wait`. Man: waitid(2), proc_pid_status(5), setsid(2).

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};

use anyhow::Context;
use libc::{WEXITED, WNOWAIT};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd;
use shared::harness::claims::{Check, Seen, joined, seen};

use super::super::answer::{await_turn, give_turn, telling};
use super::{runnable, settled};
use crate::child::{self, Child, Event};
use crate::proc;
use crate::signal::Signal;
use crate::signal::fd::SignalFd;
use crate::signal::set::Set;

pub const CHECKS: &[Check] =
    &[(37, it_has_ended_already), (39, the_parent_is_told), (40, detached_or_not), (41, it_goes_without_running)];

pub fn make() -> anyhow::Result<Child> {
    ended(|| Ok(()))
}

// ANCHOR: ended
fn ended(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Child> {
    let mut child = Child::fork(work)?;
    child.wait(WEXITED | WNOWAIT)?;
    settled(child.pid(), 'Z')?;
    Ok(child)
}
// ANCHOR_END: ended

const CODE: i32 = 42;

struct Remains {
    /// Lines on its memory in /proc/PID/status, alive and ended.
    memory: [usize; 2],
    /// Whether the end of a pipe that it had is closed.
    closed: bool,
    after_sigkill: char,
    code_then: Option<i32>,
}

fn it_has_ended_already() -> anyhow::Result<Seen> {
    let (turn, give) = io::pipe().context("pipe")?;
    let (mut child, mut held) = telling(|_| {
        child::close_copy(&give)?;
        await_turn(&turn)?;
        process::exit(CODE)
    })?;
    let memory = proc::memory_lines(child.pid())?;
    give_turn(&give)?;
    let code = exit_code(child.wait(WEXITED | WNOWAIT)?);
    settled(child.pid(), 'Z')?;
    let remains = Remains {
        memory: [memory, proc::memory_lines(child.pid())?],
        closed: held.read(&mut [0])? == 0,
        after_sigkill: {
            child.signal(Signal::KILL)?;
            proc::stat(child.pid())?.state
        },
        code_then: exit_code(child.wait(WEXITED)?),
    };
    let emptied = memory > 0 && remains.memory[1] == 0 && remains.closed;
    let ended = remains.after_sigkill == 'Z' && remains.code_then == Some(CODE);
    let Remains { memory: [alive, zombie], closed, after_sigkill, code_then } = remains;
    let pipe = if closed { "closed" } else { "open" };
    let [code_told, code_then] = [code, code_then].map(|code| code.map_or("none".to_owned(), |code| code.to_string()));
    let evidence = format!(
        "lines on its memory in /proc: {alive}, as Z {zombie}; its pipe is {pipe}; exit code {code_told}, after SIGKILL \
         {after_sigkill} and {code_then}"
    );
    Ok(Seen::imprecise(emptied && code == Some(CODE), ended, evidence))
}

fn exit_code(event: Event) -> Option<i32> {
    match event {
        Event::Exited(code) => Some(code),
        _ => None,
    }
}

fn the_parent_is_told() -> anyhow::Result<Seen> {
    let (turn, give) = io::pipe().context("pipe")?;
    let child = Child::fork(|| {
        child::close_copy(&give)?;
        Ok(await_turn(&turn).map(drop)?)
    })?;
    let mut signals = SignalFd::new(Set::from(Signal::CHLD)).context("signalfd")?;
    let too_early = signals.read().context("read the signalfd")?.len();
    give_turn(&give)?;
    // It takes no signal. Who can be waited for has been announced.
    child::waitid(child.pid(), WEXITED | WNOWAIT).with_context(|| format!("wait for child {}", child.pid()))?;
    let arrivals: Vec<_> = signals.read().context("read the signalfd")?.collect();
    let of_its_end = |signal: Signal, pid: u32, code| {
        (signal, pid.cast_signed(), code) == (Signal::CHLD, child.pid(), libc::CLD_EXITED)
    };
    let as_noted = matches!(arrivals[..], [arrival] if of_its_end(arrival.signal, arrival.pid, arrival.code));
    let list = joined(arrivals.iter().map(|arrival| format!("{} of {}", arrival.signal, arrival.pid)), ", ");
    let evidence = format!("signals while child {} lived: {too_early}; when it had ended: {list}", child.pid());
    Ok(Seen::holds(as_noted && too_early == 0, evidence))
}

/// A program of its own: this one's --version. That it exits with 0 tells that it was run.
fn detached_or_not() -> anyhow::Result<Seen> {
    let mut child = ended(|| {
        unistd::setsid().map_err(io::Error::from).context("setsid")?;
        let mut program = Command::new("/proc/self/exe");
        Err(program.arg("--version").stdout(Stdio::null()).exec()).context("exec /proc/self/exe")
    })?;
    let stat = proc::stat(child.pid())?;
    let event = child.wait(WEXITED)?;
    let detached = stat.sid == stat.pid && event == Event::Exited(0);
    Ok(Seen::refuted(detached && stat.state == 'Z', format!("{} state={}, {event}", seen(&stat), stat.state)))
}

/// So many tries, for it may run for a moment yet when it is a zombie already.
const TRIES: usize = 200;

/// On one CPU, where it cannot run and leave that again without being counted.
fn it_goes_without_running() -> anyhow::Result<Seen> {
    runnable::pin(&runnable::one_cpu()?.1)?;
    let (mut as_zombie, mut when_gone) = (0, 0);
    for _ in 0..TRIES {
        let mut child = make()?;
        let before = reaped_switches()?;
        as_zombie = switches(child.pid())?;
        child.wait(WEXITED)?;
        when_gone = reaped_switches()? - before;
        let gone = proc::stat(child.pid()).is_err_and(|error| proc::is_gone(&error));
        if gone && as_zombie == when_gone {
            return Ok(Seen::refuted(
                true,
                format!("context switches when it was Z: {as_zombie}; in all, when it was gone: {when_gone}"),
            ));
        }
    }
    Ok(Seen::refuted(false, format!("in {TRIES} tries switched on, at last from {as_zombie} to {when_gone} times")))
}

/// How often it was taken from the CPU.
fn switches(pid: libc::pid_t) -> anyhow::Result<i64> {
    let count = |key| {
        let line = proc::status(pid, key)?.with_context(|| format!("no {key} in /proc/{pid}/status"))?;
        line.parse::<i64>().with_context(|| format!("{key} {line}"))
    };
    Ok(count("voluntary_ctxt_switches")? + count("nonvoluntary_ctxt_switches")?)
}

fn reaped_switches() -> anyhow::Result<i64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(io::Error::from).context("getrusage")?;
    Ok(usage.voluntary_context_switches() + usage.involuntary_context_switches())
}
