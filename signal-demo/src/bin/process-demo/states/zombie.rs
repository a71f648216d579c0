//! Z: ended, and kept for its parent, who is told by SIGCHLD and has not yet waited for it.
//!
//! Whether the process was "detached", by a session of its own and another program, makes no difference (claim 40):
//! it is the parent that does, by waiting, by ignoring SIGCHLD (see dead.rs), or by ending itself.
//!
//! Note: 进程的状态 ("僵尸进程", "退出状态"). Go: `os.Process.Wait`. Man: waitid(2), proc_pid_status(5), setsid(2).

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::Context;
use libc::{WEXITED, WNOWAIT, pid_t};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd;
use serde::{Deserialize, Serialize};
use shared::linux::child::answer::{await_turn, give_turn, telling};
use shared::linux::child::event::{Event, waitid};
use shared::linux::child::fork::exit;
use shared::linux::child::forked::Forked;
use shared::linux::child::teller::seen_by_child;
use shared::linux::cpu::{cpus, staying_on};
use shared::linux::proc;
use shared::linux::usage::Usage;

use super::settled::{becomes, settled};

use crate::repeated::repeated;

pub fn make() -> anyhow::Result<Forked> {
    ended(|| Ok(()))
}

// ANCHOR: ended
fn ended(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Forked> {
    let mut child = Forked::new(work)?;
    child.wait(WEXITED | WNOWAIT)?;
    settled(child, 'Z')
}
// ANCHOR_END: ended

/// What a child has while it lives, and what is left when it has ended.
#[derive(Serialize)]
pub struct Remains {
    /// Lines on its memory in /proc/PID/status.
    pub memory_lines_alive: usize,
    pub memory_lines_ended: usize,
    /// Whether its end of a pipe has been closed.
    pub its_pipe_is_closed: bool,
    pub event: Event,
    pub after_sigkill: char,
    pub event_after_sigkill: Event,
}

/// The exit code of the child.
pub const CODE: i32 = 42;

pub fn remains() -> anyhow::Result<Remains> {
    let (turn, give) = io::pipe().context("pipe")?;
    let (mut child, mut held) = telling(|_| {
        await_turn(&turn)?;
        exit(CODE)
    })?;
    let memory_lines_alive = proc::memory_lines(child.pid())?;
    give_turn(&give)?;
    let event = child.wait(WEXITED | WNOWAIT)?;
    becomes(child.pid(), 'Z')?;
    let memory_lines_ended = proc::memory_lines(child.pid())?;
    let its_pipe_is_closed = held.read(&mut [0]).context("read its pipe")? == 0;
    child.signal(Signal::SIGKILL)?;
    Ok(Remains {
        memory_lines_alive,
        memory_lines_ended,
        its_pipe_is_closed,
        event,
        after_sigkill: proc::stat(child.pid())?.state,
        event_after_sigkill: child.wait(WEXITED)?,
    })
}

/// The SIGCHLDs that came of a child, while it lived and when it had ended; the latter's sender, and whether it says
/// that the child has exited.
#[derive(Serialize, Deserialize)]
pub struct Announced {
    pub child_pid: pid_t,
    pub while_it_lived: usize,
    pub when_it_had_ended: usize,
    pub sender_pid: Option<pid_t>,
    pub says_exited: bool,
}

/// In a child of ours, so that SIGCHLD stays as it is here.
pub fn announced() -> anyhow::Result<Announced> {
    seen_by_child(|| {
        let sigchld = SigSet::from(Signal::SIGCHLD);
        sigchld.thread_block().context("block SIGCHLD")?;
        let signals = SignalFd::with_flags(&sigchld, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
        let signals = signals.context("signalfd")?;
        let take = || signals.read_signal().context("read the signalfd");

        let (turn, give) = io::pipe().context("pipe")?;
        let child = Forked::new(|| Ok(await_turn(&turn).map(drop)?))?;
        // One at most waits.
        let while_it_lived = usize::from(take()?.is_some());
        give_turn(&give)?;
        // It takes no signal. Who can be waited for has been announced.
        waitid(child.pid(), WEXITED | WNOWAIT).with_context(|| format!("wait for child {}", child.pid()))?;
        let signal = take()?;
        Ok(Announced {
            child_pid: child.pid(),
            while_it_lived,
            when_it_had_ended: usize::from(signal.is_some()),
            sender_pid: signal.map(|signal| signal.ssi_pid.cast_signed()),
            says_exited: signal.is_some_and(|signal| signal.ssi_code == libc::CLD_EXITED),
        })
    })
}

/// A child that led a session of its own and ran a program of its own, when that had ended.
#[derive(Serialize)]
pub struct Detached {
    pub pid: pid_t,
    pub sid: pid_t,
    pub program: String,
    pub seen: char,
    pub event: Event,
}

/// The program is this one, for its --version. That it exits with 0 tells that it was run.
pub fn detached() -> anyhow::Result<Detached> {
    let mut child = ended(|| {
        unistd::setsid().context("setsid")?;
        let mut program = Command::new("/proc/self/exe");
        Err(program.arg("--version").stdout(Stdio::null()).exec()).context("exec /proc/self/exe")
    })?;
    let stat = proc::stat(child.pid())?;
    let program = stat.name.display().to_string();
    Ok(Detached { pid: stat.pid, sid: stat.sid, program, seen: stat.state, event: child.wait(WEXITED)? })
}

/// How often a child was switched, when it was a zombie, and in all when it had been waited for.
#[derive(Serialize)]
pub struct Reaped {
    pub switches_as_zombie: i64,
    pub switches_when_gone: i64,
    pub is_gone: bool,
}

impl Reaped {
    /// It has gone from Z without running again.
    pub fn without_running(&self) -> bool {
        self.is_gone && self.switches_as_zombie == self.switches_when_gone
    }
}

/// Repeated, for a child may run for a moment after it has become a zombie. On one CPU, where every switch is counted.
pub fn gone() -> anyhow::Result<Reaped> {
    staying_on(Some(cpus()?.0), || repeated(200, one_gone, Reaped::without_running))
}

fn one_gone() -> anyhow::Result<Reaped> {
    let mut child = make()?;
    let before = Usage::of_children()?;
    let switches_as_zombie = switches(child.pid())?;
    child.wait(WEXITED)?;
    let switches_when_gone = (Usage::of_children()? - before).switches();
    let is_gone = proc::stat(child.pid()).is_err_and(|error| proc::is_gone(&error));
    Ok(Reaped { switches_as_zombie, switches_when_gone, is_gone })
}

/// How often it gave up the CPU, or lost it.
pub fn switches(pid: pid_t) -> anyhow::Result<i64> {
    let count = |key| {
        let line = proc::status(pid, key)?.with_context(|| format!("no {key} in /proc/{pid}/status"))?;
        line.parse::<i64>().with_context(|| format!("{key} {line}"))
    };
    Ok(count("voluntary_ctxt_switches")? + count("nonvoluntary_ctxt_switches")?)
}
