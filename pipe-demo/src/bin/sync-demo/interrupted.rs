//! System calls that a signal interrupts: one that has done nothing yet fails, one that has done a part
//! returns how much.
//!
//! Note: 关于同步 ("所有的系统调用都属于原子操作"). Go: none, `os.File` goes on by itself.
//! Man: signal(7) at "Interruption of system calls", write(2), setitimer(2).

use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use anyhow::Context;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use shared::harness::claims::{Check, Seen};
use shared::linux::answer::answer;

pub const CHECKS: &[Check] = &[(65, nothing_interrupts_system_calls)];

static SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: libc::c_int) {
    SIGNALS.fetch_add(1, SeqCst);
}

/// Nobody writes and nobody reads: without the alarms both calls would wait for ever.
fn nothing_interrupts_system_calls() -> anyhow::Result<Seen> {
    const MANY: usize = 1 << 20;
    let (mut empty, _writer) = io::pipe().context("pipe")?;
    let (_reader, mut full) = io::pipe().context("pipe")?;
    catch_alarms()?;
    alarm_each_millisecond()?;
    let read = empty.read(&mut [0]);
    let interrupted = SIGNALS.load(SeqCst);
    let written = full.write(&vec![0; MANY]);
    let failed = matches!(&read, Err(error) if error.kind() == ErrorKind::Interrupted);
    let partly = matches!(written, Ok(count) if 0 < count && count < MANY);
    let told = |result: io::Result<usize>| match result {
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok("EINTR".to_owned()),
        Err(error) => answer(&error),
        Ok(count) => Ok(format!("{count} bytes")),
    };
    let (read, written) = (told(read)?, told(written)?);
    let evidence = format!(
        "read of an empty pipe: {read} at SIGALRM (signals so far: {interrupted}); write of {MANY} bytes: {written}"
    );
    Ok(Seen::refuted(failed && partly && interrupted > 0, evidence))
}

/// Without SA_RESTART.
fn catch_alarms() -> anyhow::Result<()> {
    let action = SigAction::new(SigHandler::Handler(count), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler only adds to an atomic number.
    #[allow(unsafe_code, reason = "a handler may do little")]
    unsafe {
        sigaction(Signal::SIGALRM, &action).map_err(io::Error::from).context("sigaction SIGALRM")?;
    }
    Ok(())
}

/// The first may come before the call; then the next interrupts it.
fn alarm_each_millisecond() -> anyhow::Result<()> {
    let each = libc::timeval { tv_sec: 0, tv_usec: 1000 };
    let timer = libc::itimerval { it_interval: each, it_value: each };
    // SAFETY: the kernel reads the timer, which is ours.
    #[allow(unsafe_code, reason = "nix has no setitimer")]
    let set = unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
    if set < 0 { Err(io::Error::last_os_error()).context("setitimer") } else { Ok(()) }
}
