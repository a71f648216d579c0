//! D without a disk: a parent inside vfork(2) sleeps until its child has ended or called exec.
//!
//! It takes no signal meanwhile, but for those that end it (claim 28), which the kernel calls "killable".
//!
//! Note: 进程的状态 ("不可中断睡眠状态"). Go: `syscall.forkExec` does so. Man: vfork(2), proc_pid_syscall(5).

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

use anyhow::{Context, ensure};
use libc::{WEXITED, c_int, c_long, pid_t};
use nix::sched::{CloneFlags, clone};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use serde::Serialize;
use shared::linux::child::answer::{give_turn, tell, told};
use shared::linux::child::event::{Event, waitid};
use shared::linux::child::forked::{Forked, become_subreaper, close_copy};
use shared::linux::failure::cannot_show;
use shared::linux::{proc, signals};

use super::settled::becomes;

/// A child of ours in D, the parent of a process that waits to be released.
pub struct InVfork {
    pub parent: Forked,
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
        let parent = Forked::new(|| {
            close_copy(&releaser)?;
            before()?;
            vfork_and_reap(&release, &teller)?;
            after()
        })?;
        drop(teller);
        let [child] = told(&answer)?;
        becomes(parent.pid(), 'D')?;
        Ok(InVfork { parent, child, releaser })
    }

    /// Sends a signal that ends it, for its child has not been released, and reaps both.
    pub fn end_by(mut self, signal: Signal) -> anyhow::Result<Event> {
        self.parent.signal(signal)?;
        let event = self.parent.wait(WEXITED)?;
        drop(self.releaser);
        waitid(self.child, WEXITED).with_context(|| format!("wait for process {}", self.child))?;
        Ok(event)
    }

    /// Has its child end, and so the D.
    pub fn release(&self) -> anyhow::Result<()> {
        give_turn(&self.releaser)
    }
}

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
    let child = child.context("clone")?;
    let event = waitid(child.as_raw(), WEXITED).with_context(|| format!("wait for process {child}"))?;
    ensure!(event == Some(Event::Exited(0)), "the child of the vfork: {event:?}");
    Ok(())
}

/// In the child. It does not end with its parent: it is to be seen that the signal ended that.
// ANCHOR: release
fn await_release(release: c_int, teller: c_int) -> isize {
    let mut byte = 0_u8;
    // SAFETY: system calls only, with a byte and a number on this stack.
    #[allow(unsafe_code, reason = "nothing else is safe in memory that is shared")]
    unsafe {
        let pid = libc::getpid();
        let told = libc::write(teller, (&raw const pid).cast(), size_of::<pid_t>()) > 0;
        let released = told && libc::read(release, (&raw mut byte).cast(), 1) == 1;
        isize::from(!released)
    }
}
// ANCHOR_END: release

/// A process in D that got a signal which ends it. The child of its vfork has not been released: it was the signal.
#[derive(Serialize)]
pub struct EndedBy {
    pub seen: char,
    pub signal: &'static str,
    pub event: Event,
}

pub fn ended_by(signal: Signal) -> anyhow::Result<EndedBy> {
    let not_ignored = || match signal {
        Signal::SIGKILL => Ok(()),
        signal => signals::set(signal, SigHandler::SigDfl).with_context(|| format!("reset {signal}")),
    };
    let asleep = InVfork::begin(not_ignored, || Ok(()))?;
    Ok(EndedBy { seen: proc::stat(asleep.parent.pid())?.state, signal: signal.as_str(), event: asleep.end_by(signal)? })
}

/// A signal that is caught, sent in D: whether it waits there, and how often the handler has run when D is over.
#[derive(Serialize)]
pub struct Caught {
    pub seen: char,
    pub sigusr1_waits: bool,
    pub handler_ran_afterwards: i32,
}

static CALLS: AtomicI32 = AtomicI32::new(0);

pub fn caught_signal() -> anyhow::Result<Caught> {
    let (answer, teller) = io::pipe().context("pipe")?;
    let asleep = InVfork::begin(catch_sigusr1, || Ok(tell(&teller, &[CALLS.load(SeqCst)])?))?;
    drop(teller);
    let pid = asleep.parent.pid();
    asleep.parent.signal(Signal::SIGUSR1)?;
    let (sigusr1_waits, seen) = (proc::masks(pid)?.has_pending(libc::SIGUSR1), proc::stat(pid)?.state);
    asleep.release()?;
    let [handler_ran_afterwards] = told(&answer)?;
    asleep.parent.succeed()?;
    Ok(Caught { seen, sigusr1_waits, handler_ran_afterwards })
}

fn catch_sigusr1() -> anyhow::Result<()> {
    let action = SigAction::new(SigHandler::Handler(count), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler touches an atomic only.
    #[allow(unsafe_code, reason = "sigaction(2) is unsafe for what a handler may do")]
    unsafe { sigaction(Signal::SIGUSR1, &action) }.context("sigaction SIGUSR1")?;
    Ok(())
}

extern "C" fn count(_: c_int) {
    CALLS.fetch_add(1, SeqCst);
}

/// What a process in D does: it is inside clone(2), no call that reads or writes.
#[derive(Serialize)]
pub struct InCall {
    pub seen: char,
    pub system_call: c_long,
    /// The number of clone(2).
    pub clone: c_long,
}

pub fn system_call() -> anyhow::Result<InCall> {
    let asleep = InVfork::begin(|| Ok(()), || Ok(()))?;
    let pid = asleep.parent.pid();
    let (seen, system_call) = (proc::stat(pid)?.state, number_of_call(pid)?);
    asleep.release()?;
    asleep.parent.succeed()?;
    Ok(InCall { seen, system_call, clone: libc::SYS_clone })
}

fn number_of_call(pid: pid_t) -> anyhow::Result<c_long> {
    let line = proc::read(pid, "syscall").map_err(|error| cannot_show("its system call is not to be seen", &error))?;
    let number = line.split(' ').next().unwrap_or_default();
    number.parse().with_context(|| format!("/proc/{pid}/syscall: {line}"))
}
