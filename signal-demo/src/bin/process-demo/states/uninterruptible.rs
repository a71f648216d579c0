//! D without a disk: a parent inside vfork(2) sleeps until its child has ended or called exec.
//!
//! It takes no signal meanwhile, but for those that end it (claim 28), which the kernel calls "killable".
//!
//! Note: 进程的状态 ("不可中断睡眠状态"). Go: `syscall.forkExec` does so. Man: vfork(2), proc_pid_syscall(5).

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsRawFd;

use anyhow::{Context, ensure};
use libc::{WEXITED, c_int, c_long, pid_t};
use nix::sched::{CloneFlags, clone};
use shared::harness::claims::{Check, Seen};

use super::super::answer::{give_turn, tell, told};
use super::super::orphan::become_subreaper;
use super::super::possible::cannot_show;
use super::settled;
use crate::child::{self, Child, Event};
use crate::proc;
use crate::signal::action::Action;
use crate::signal::set::Set;
use crate::signal::{Signal, handler};

pub const CHECKS: &[Check] = &[(28, signals_that_end_it_do), (29, others_wait_for_its_end), (30, it_need_not_be_io)];

/// A child of ours in D, the parent of a process that waits to be released.
pub struct InVfork {
    parent: Child,
    child: pid_t,
    releaser: PipeWriter,
}

impl InVfork {
    /// It does `before` first, and `after` when its own child has been released and waited for.
    pub fn begin(
        before: impl FnOnce() -> anyhow::Result<()>,
        after: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<InVfork> {
        // To reap that child if its parent is killed.
        become_subreaper(true)?;
        let (release, releaser) = io::pipe().context("pipe")?;
        let (answer, teller) = io::pipe().context("pipe")?;
        let parent = Child::fork(|| {
            child::close_copy(&releaser)?;
            before()?;
            vfork_and_reap(&release, &teller)?;
            after()
        })?;
        drop(teller);
        let [child] = told(&answer)?;
        settled(parent.pid(), 'D')?;
        Ok(InVfork { parent, child, releaser })
    }

    pub fn pid(&self) -> pid_t {
        self.parent.pid()
    }

    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.parent.signal(signal)
    }

    pub fn wait(&mut self, changes: c_int) -> anyhow::Result<Event> {
        self.parent.wait(changes)
    }

    /// Sends a signal that ends it, for its child has not been released, and reaps both.
    pub fn end_by(mut self, signal: Signal) -> anyhow::Result<Event> {
        self.signal(signal)?;
        let event = self.wait(WEXITED)?;
        drop(self.releaser);
        child::waitid(self.child, WEXITED).with_context(|| format!("wait for process {}", self.child))?;
        Ok(event)
    }

    /// Ends the D.
    pub fn release(&self) -> anyhow::Result<()> {
        give_turn(&self.releaser)
    }

    pub fn succeed(self) -> anyhow::Result<()> {
        self.parent.succeed()
    }
}

// ANCHOR: vfork
fn vfork_and_reap(release: &PipeReader, teller: &PipeWriter) -> anyhow::Result<()> {
    let mut stack = vec![0; 64 * 1024];
    let (release, teller) = (release.as_raw_fd(), teller.as_raw_fd());
    // SAFETY: it shares this memory while this process sleeps, has a stack of its own, and only makes system calls.
    #[allow(unsafe_code, reason = "vfork(2) itself would return twice into this frame")]
    let child = unsafe {
        clone(
            Box::new(|| await_release(release, teller)),
            &mut stack,
            CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK,
            Some(libc::SIGCHLD),
        )
    };
    let child = child.map_err(io::Error::from).context("clone")?;
    let event = child::waitid(child.as_raw(), WEXITED)?;
    ensure!(event == Some(Event::Exited(0)), "the child of the vfork: {event:?}");
    Ok(())
}
// ANCHOR_END: vfork

/// In the child: ends when told to, or when nobody is left to do so. Its parent's end must not end it: it has to
/// be seen that it was the signal that ended that.
fn await_release(release: c_int, teller: c_int) -> isize {
    let mut byte = 0_u8;
    // SAFETY: system calls only, and a byte and a number of this stack.
    #[allow(unsafe_code, reason = "nothing else may be called in memory shared by vfork")]
    unsafe {
        let pid = libc::getpid();
        let told = libc::write(teller, (&raw const pid).cast(), size_of::<pid_t>()) > 0;
        let released = told && libc::read(release, (&raw mut byte).cast(), 1) == 1;
        isize::from(!released)
    }
}

/// The child of the vfork has not been released: only the signal can have ended its parent.
fn signals_that_end_it_do() -> anyhow::Result<Seen> {
    let mut ends = Vec::new();
    for signal in [Signal::KILL, Signal::TERM] {
        let parent = InVfork::begin(|| Ok(()), || Ok(()))?;
        let state = proc::stat(parent.pid())?.state;
        ends.push((state, signal, parent.end_by(signal)?));
    }
    let ended_in_d = |(state, signal, event): &(char, Signal, Event)| {
        *state == 'D' && *event == Event::Killed { signal: signal.number(), core: false }
    };
    let evidence: Vec<String> =
        ends.iter().map(|(state, signal, event)| format!("{state}, {signal}: {event}")).collect();
    Ok(Seen::refuted(ends.iter().any(ended_in_d), evidence.join("; ")))
}

/// One that is caught: it does not end the process.
fn others_wait_for_its_end() -> anyhow::Result<Seen> {
    let (answer, teller) = io::pipe().context("pipe")?;
    let catch = || Ok(Action::Catch { handler: handler::note, mask: Set::EMPTY }.set(Signal::USR1)?);
    let tell_calls = || Ok(tell(&teller, &[handler::take_notes().0.try_into()?])?);
    let parent = InVfork::begin(catch, tell_calls)?;
    drop(teller);
    parent.signal(Signal::USR1)?;
    let waits = proc::masks(parent.pid())?.pending.contains(libc::SIGUSR1);
    let state = proc::stat(parent.pid())?.state;
    parent.release()?;
    let [calls] = told(&answer)?;
    parent.succeed()?;
    let waits_or_not = if waits { "pending" } else { "not pending" };
    let evidence =
        format!("SIGUSR1 in state {state}: {waits_or_not}; times that the handler ran when it had left that: {calls}");
    Ok(Seen::holds(state == 'D' && waits && calls == 1, evidence))
}

/// The event is the end of a process: it is inside clone(2), no call that reads or writes.
fn it_need_not_be_io() -> anyhow::Result<Seen> {
    let parent = InVfork::begin(|| Ok(()), || Ok(()))?;
    let (state, call) = (proc::stat(parent.pid())?.state, system_call(parent.pid())?);
    parent.release()?;
    parent.succeed()?;
    let evidence = format!(
        "{state} in system call {call} (clone, no I/O, is {}), until the child of that has ended",
        libc::SYS_clone
    );
    Ok(Seen::imprecise(state == 'D', call == libc::SYS_clone, evidence))
}

fn system_call(pid: pid_t) -> anyhow::Result<c_long> {
    let line = proc::read(pid, "syscall").map_err(|error| cannot_show("its system call is not to be seen", &error))?;
    let number = line.split(' ').next().unwrap_or_default();
    number.parse().with_context(|| format!("/proc/{pid}/syscall: {line}"))
}
