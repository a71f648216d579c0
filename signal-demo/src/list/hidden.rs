//! Signals 32 and 33: the kernel has them, the C library keeps them to itself.
//!
//! Past its wrappers, by system calls of our own, they turn out to be real-time signals as the 31 after them.
//!
//! Note: 信号 ("没有编号为32和33的信号"). Go: (none). Man: signal(7), nptl(7), rt_sigaction(2), rt_sigtimedwait(2).

use std::io;
use std::process;
use std::ptr;

use anyhow::Context;
use libc::{WEXITED, c_int, c_long};
use shared::harness::claims::{Check, Seen, joined};
use shared::linux::pidfd::PidFd;

use crate::child::{Child, Event};
use crate::queue;
use crate::signal::Signal;

pub const CHECKS: &[Check] = &[(107, sixty_two), (108, standard_and_real_time)];

const HIDDEN: [c_int; 2] = [32, 33];

/// The kernel's own set of signals.
type Mask = u64;

fn sixty_two() -> anyhow::Result<Seen> {
    let accepted: Vec<c_int> = accepted(-1..=65)?;
    let listed = Signal::all().count();
    let mut killed = Vec::new();
    for number in HIDDEN {
        if dies_of(number)? {
            killed.push(number);
        }
    }
    let evidence = format!(
        "the C library has {listed}, the kernel accepts {}: {}; children killed by {}",
        accepted.len(),
        ranges(&accepted),
        ranges(&killed),
    );
    Ok(Seen::refuted(HIDDEN.iter().all(|number| accepted.contains(number)) && killed == HIDDEN, evidence))
}

// ANCHOR: accepted
/// Of these, the signals of which the kernel tells what they do.
pub fn accepted(numbers: impl IntoIterator<Item = c_int>) -> anyhow::Result<Vec<c_int>> {
    let ask = |number| is_accepted(number).with_context(|| format!("rt_sigaction {number}")).map(|is| (is, number));
    let asked = numbers.into_iter().map(ask).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(asked.into_iter().filter_map(|(is, number)| is.then_some(number)).collect())
}

fn is_accepted(number: c_int) -> io::Result<bool> {
    let (nothing, nowhere) = (ptr::null::<u8>(), ptr::null_mut::<u8>());
    // SAFETY: it reads nothing and writes nothing.
    #[allow(unsafe_code, reason = "the C library's sigaction refuses its own signals")]
    match result(unsafe { libc::syscall(libc::SYS_rt_sigaction, number, nothing, nowhere, size_of::<Mask>()) }) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(false),
        told => told.map(|_| true),
    }
}
// ANCHOR_END: accepted

/// Whether it ends a child that sends it to itself.
fn dies_of(number: c_int) -> anyhow::Result<bool> {
    let mut child = Child::fork(|| {
        // The C library may have a handler, and posix_spawn(3) may have left it ignored.
        set_default(number).with_context(|| format!("reset signal {number}"))?;
        Ok(this_process()?.send(number, None)?)
    })?;
    Ok(matches!(child.wait(WEXITED)?, Event::Killed { signal, .. } if signal == number))
}

fn set_default(number: c_int) -> io::Result<()> {
    // No handler, no flags, nothing blocked; as long as any machine's struct.
    let default = [0_u64; 4];
    // SAFETY: it reads a struct that is not longer than `default`.
    #[allow(unsafe_code, reason = "the C library's sigaction refuses its own signals")]
    result(unsafe {
        libc::syscall(libc::SYS_rt_sigaction, number, &raw const default, ptr::null_mut::<u8>(), size_of::<Mask>())
    })
    .map(drop)
}

fn standard_and_real_time() -> anyhow::Result<Seen> {
    const SENT: usize = 3;
    let unblockable = [libc::SIGKILL, libc::SIGSTOP];
    let (mut once, mut each) = (Vec::new(), Vec::new());
    for number in (1..=64).filter(|number| !unblockable.contains(number)) {
        match times_taken(number, SENT).with_context(|| format!("signal {number}"))? {
            1 => once.push(number),
            SENT => each.push(number),
            _ => (),
        }
    }
    let evidence = format!("sent {SENT} times: {} wait once, {} wait {SENT} times", ranges(&once), ranges(&each));
    let standard = (1..=31).filter(|number| !unblockable.contains(number)).eq(once);
    let as_noted = standard && (34..=64).all(|number| each.contains(&number));
    Ok(Seen::imprecise(as_noted, HIDDEN.iter().all(|number| each.contains(number)), evidence))
}

/// How often a signal waits that was sent so often while it was blocked.
fn times_taken(number: c_int, times: usize) -> anyhow::Result<usize> {
    let set: Mask = 1 << (number - 1);
    block(set).context("block it")?;
    for _ in 0..times {
        this_process()?.send(number, Some(0)).map_err(queue::not_queued).context("queue it")?;
    }
    let mut taken = 0;
    while take(set).context("take it")? {
        taken += 1;
    }
    Ok(taken)
}

/// Held by a descriptor, to which any number can be sent.
fn this_process() -> anyhow::Result<PidFd> {
    PidFd::open(process::id().cast_signed()).context("pidfd_open")
}

fn block(set: Mask) -> io::Result<()> {
    let (how, nowhere) = (libc::SIG_BLOCK, ptr::null_mut::<u8>());
    // SAFETY: the set lives until the call is over, which writes nothing.
    #[allow(unsafe_code, reason = "the C library's sigprocmask leaves its own signals out")]
    result(unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const set, nowhere, size_of::<Mask>()) })
        .map(drop)
}

/// Whether one of the set waited.
fn take(set: Mask) -> io::Result<bool> {
    let (nowhere, at_once) = (ptr::null_mut::<u8>(), libc::timespec { tv_sec: 0, tv_nsec: 0 });
    // SAFETY: the set and the time live until the call is over, which writes nothing.
    #[allow(unsafe_code, reason = "the C library's sigtimedwait leaves its own signals out")]
    let taken = result(unsafe {
        let (set, at_once) = (&raw const set, &raw const at_once);
        libc::syscall(libc::SYS_rt_sigtimedwait, set, nowhere, at_once, size_of::<Mask>())
    });
    match taken {
        Err(error) if shared::linux::readiness::is_timeout(&error) => Ok(false),
        taken => taken.map(|_| true),
    }
}

fn result(returned: c_long) -> io::Result<c_long> {
    if returned == -1 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}

/// `1-8 10-18`
fn ranges(numbers: &[c_int]) -> String {
    let runs = numbers.chunk_by(|before, after| before + 1 == *after);
    let name = |run: &[c_int]| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    };
    joined(runs.map(name), " ")
}
