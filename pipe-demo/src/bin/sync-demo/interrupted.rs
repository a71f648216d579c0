//! What an interruption does, and what it does not: two CPUs lose updates without any; and a signal interrupts system
//! calls, of which one that has done nothing yet fails, and one that has done a part returns how much.
//!
//! Note: 关于同步 ("根本原因在于…被中断了", "所有的系统调用都属于原子操作"). Go: none, `os.File` goes on by itself.
//! Man: signal(7) at "Interruption of system calls", write(2), setitimer(2).

use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use serde::Serialize;
use shared::harness::report::Report;
use shared::harness::showing::Showing;
use shared::linux::answer::Outcome;
use shared::linux::at_once::deadline;
use shared::linux::child::Children;
use shared::linux::child::forked::close_copy;

use crate::increments::{Counted, Increment, on_two_cpus};

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut showing = Showing::new(out);
    showing.records("calls and signals", calls())?;
    showing.record("two CPUs", lost_without_interruption())?;
    showing.finish()
}

/// Updates that are lost in rounds in which neither process lost its CPU.
pub fn lost_without_interruption() -> anyhow::Result<Counted> {
    on_two_cpus(Increment::ReadAddWrite, deadline(), |counted| counted.lost > 0)
}

/// A system call that had to wait while signals came.
#[derive(Serialize)]
pub struct Interrupted {
    pub call: &'static str,
    pub asked: usize,
    /// Signals that came meanwhile.
    pub signals: u32,
    pub returned: Outcome,
}

static SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: libc::c_int) {
    SIGNALS.fetch_add(1, SeqCst);
}

/// A read of an empty pipe, and a write of more than a pipe holds, while a signal comes each millisecond.
pub fn calls() -> anyhow::Result<[Interrupted; 2]> {
    let children = Children::helpers();
    let (mut empty, feed) = io::pipe().context("pipe")?;
    let (drain, mut full) = io::pipe().context("pipe")?;
    let many = 16 * usize::try_from(fcntl(&full, FcntlArg::F_GETPIPE_SZ).context("F_GETPIPE_SZ")?)?;
    children.fork(|| u8::from(close_copy(&full).and_then(|()| end_both_waits(&feed, &drain)).is_err()))?;
    // ANCHOR: calls
    catch_alarms()?;
    alarm_each(Duration::from_millis(1))?;
    let read = observed("read", 1, || empty.read(&mut [0]));
    let write = observed("write", many, || full.write(&vec![0; many]));
    alarm_each(Duration::ZERO)?;
    // ANCHOR_END: calls
    Ok([read?, write?])
}

/// In a child: where signals do not end the two calls, they get what they wait for in the end.
fn end_both_waits(mut feed: &PipeWriter, mut drain: &PipeReader) -> io::Result<()> {
    const LATE: Duration = Duration::from_secs(5);
    thread::sleep(LATE); // A timer: it orders nothing.
    feed.write_all(&[0])?;
    io::copy(&mut drain, &mut io::sink()).map(drop)
}

fn observed(call: &'static str, asked: usize, make: impl FnOnce() -> io::Result<usize>) -> anyhow::Result<Interrupted> {
    let before = SIGNALS.load(SeqCst);
    let returned = match make() {
        Ok(count) => Outcome::Done(count),
        Err(error) if error.kind() == ErrorKind::Interrupted => Outcome::Failed(Errno::EINTR),
        Err(error) => return Err(error).with_context(|| format!("{call} the pipe")),
    };
    Ok(Interrupted { call, asked, signals: SIGNALS.load(SeqCst) - before, returned })
}

/// Without SA_RESTART.
fn catch_alarms() -> anyhow::Result<()> {
    let action = SigAction::new(SigHandler::Handler(count), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler only adds to an atomic number.
    #[allow(unsafe_code, reason = "a handler may do little")]
    unsafe {
        sigaction(Signal::SIGALRM, &action).context("catch SIGALRM")?;
    }
    Ok(())
}

/// The first alarm may come before the call; then the next one interrupts it. Zero: no more come.
fn alarm_each(period: Duration) -> anyhow::Result<()> {
    let each = libc::timeval { tv_sec: 0, tv_usec: period.subsec_micros().into() };
    let timer = libc::itimerval { it_interval: each, it_value: each };
    // SAFETY: the kernel reads the timer, which is ours.
    #[allow(unsafe_code, reason = "nix has no setitimer")]
    let set = unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
    Errno::result(set).map(drop).context("setitimer")
}
