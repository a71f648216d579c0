//! The signals past the C library, by system calls of our own: 32 and 33, which it hides, turn out to be real-time signals
//! as those after them. (musl hides 34 as well.)
//!
//! Note: 信号 ("没有编号为32和33的信号"). Go: (none). Man: signal(7), nptl(7), rt_sigaction(2), rt_sigtimedwait(2).

use std::fmt;
use std::io::ErrorKind;
use std::process::{self, Command, Stdio};
use std::ptr;

use anyhow::{Context, ensure};
use libc::{WEXITED, c_int};
use nix::errno::Errno;
use serde::{Serialize, Serializer};
use shared::harness::report::Report;
use shared::linux::child::event::Event;
use shared::linux::child::forked::Forked;
use shared::linux::failure::Failure;
use shared::linux::pidfd::PidFd;

use crate::queue;
use crate::signal::Signal;

/// What the C library keeps to itself, below its SIGRTMIN.
pub fn hidden() -> Vec<c_int> {
    (32..libc::SIGRTMIN()).collect()
}

/// Signal numbers: `1-8 10-18`.
#[derive(Debug, PartialEq, Eq)]
pub struct Numbers(pub Vec<c_int>);

/// Which numbers are signals.
#[derive(Serialize)]
pub struct Accepted {
    /// How many signals the C library lets a program use.
    pub c_library: usize,
    pub kernel: Numbers,
    /// Of the others, those that end a child by default.
    pub killed_by: Numbers,
}

/// How often a blocked signal waits.
#[derive(Serialize)]
pub struct Waiting {
    pub sent: usize,
    pub once: Numbers,
    pub each_time: Numbers,
}

/// What bash's `kill -l` prints.
#[derive(Serialize)]
pub struct KillL {
    pub listed: usize,
    pub begin_with_sig: usize,
    pub as_here: usize,
    pub accepted: usize,
    /// Of -1 and 0, what is no signal.
    pub refused_numbers: Vec<c_int>,
}

/// The kernel's own set of signals.
type Mask = u64;

pub fn run(out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&accepted()?)?;
    out.pairs(&waiting()?)?;
    out.pairs(&listed()?)
}

pub fn accepted() -> anyhow::Result<Accepted> {
    let mut killed_by = Vec::new();
    for number in hidden() {
        if dies_of(number)? {
            killed_by.push(number);
        }
    }
    let kernel = Numbers(accepted_of(-1..=65)?);
    Ok(Accepted { c_library: Signal::all().count(), kernel, killed_by: Numbers(killed_by) })
}

pub fn waiting() -> anyhow::Result<Waiting> {
    const SENT: usize = 3;
    let (mut once, mut each_time) = (Vec::new(), Vec::new());
    for number in (1..=64).filter(|number| ![libc::SIGKILL, libc::SIGSTOP].contains(number)) {
        match times_taken(number, SENT).with_context(|| format!("signal {number}"))? {
            1 => once.push(number),
            SENT => each_time.push(number),
            _ => (),
        }
    }
    Ok(Waiting { sent: SENT, once: Numbers(once), each_time: Numbers(each_time) })
}

pub fn listed() -> anyhow::Result<KillL> {
    let listed = kill_l()?;
    let accepted = accepted_of([-1, 0])?;
    Ok(KillL {
        listed: listed.len(),
        begin_with_sig: listed.iter().filter(|(number, name)| *number > 0 && name.starts_with("SIG")).count(),
        as_here: Signal::all().filter(|signal| listed.contains(&(signal.number(), signal.to_string()))).count(),
        accepted: accepted_of(listed.iter().map(|(number, _)| *number))?.len(),
        refused_numbers: [-1, 0].into_iter().filter(|number| !accepted.contains(number)).collect(),
    })
}

/// What bash prints: ` 1) SIGHUP  2) SIGINT …`.
fn kill_l() -> anyhow::Result<Vec<(c_int, String)>> {
    let mut bash = Command::new("bash");
    // It would print names only, and without SIG.
    bash.args(["-c", "builtin kill -l"]).env_remove("POSIXLY_CORRECT").stderr(Stdio::null());
    let output = match bash.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Failure::CannotShow(format!("start bash: {error}")).into());
        }
        output => output.context("start bash")?,
    };
    let text = String::from_utf8(output.stdout).context("read what bash prints")?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let (pairs, rest) = words.as_chunks::<2>();
    ensure!(!pairs.is_empty() && rest.is_empty(), "kill -l: {text}");
    pairs.iter().map(|[number, name]| Ok((number.trim_end_matches(')').parse()?, (*name).to_owned()))).collect()
}

/// Of these, the signals of which the kernel tells what they do.
pub fn accepted_of(numbers: impl IntoIterator<Item = c_int>) -> anyhow::Result<Vec<c_int>> {
    let ask = |number| is_accepted(number).with_context(|| format!("rt_sigaction {number}")).map(|is| (is, number));
    let asked = numbers.into_iter().map(ask).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(asked.into_iter().filter_map(|(is, number)| is.then_some(number)).collect())
}

// ANCHOR: accepted
fn is_accepted(number: c_int) -> nix::Result<bool> {
    let (nothing, nowhere) = (ptr::null::<u8>(), ptr::null_mut::<u8>());
    let (call, size) = (libc::SYS_rt_sigaction, size_of::<Mask>());
    // SAFETY: it reads nothing and writes nothing.
    #[allow(unsafe_code, reason = "the C library's sigaction refuses its own signals")]
    match Errno::result(unsafe { libc::syscall(call, number, nothing, nowhere, size) }) {
        Err(Errno::EINVAL) => Ok(false),
        told => told.map(|_| true),
    }
}
// ANCHOR_END: accepted

/// Whether it ends a child that sends it to itself.
fn dies_of(number: c_int) -> anyhow::Result<bool> {
    let mut child = Forked::new(|| {
        // The C library may have a handler, and posix_spawn(3) may have left it ignored.
        set_default(number).with_context(|| format!("reset signal {number}"))?;
        Ok(this_process()?.send(number, None)?)
    })?;
    Ok(matches!(child.wait(WEXITED)?, Event::Killed { signal, .. } if signal == number))
}

fn set_default(number: c_int) -> nix::Result<()> {
    // No handler, no flags, nothing blocked; as long as any machine's struct.
    let default = [0_u64; 4];
    // SAFETY: it reads a struct that is not longer than `default`.
    #[allow(unsafe_code, reason = "the C library's sigaction refuses its own signals")]
    Errno::result(unsafe {
        libc::syscall(libc::SYS_rt_sigaction, number, &raw const default, ptr::null_mut::<u8>(), size_of::<Mask>())
    })
    .map(drop)
}

/// How often a signal waits that was sent this many times while it was blocked.
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

fn block(set: Mask) -> nix::Result<()> {
    let (how, nowhere) = (libc::SIG_BLOCK, ptr::null_mut::<u8>());
    // SAFETY: the set lives until the call is over, which writes nothing.
    #[allow(unsafe_code, reason = "the C library's sigprocmask leaves its own signals out")]
    Errno::result(unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const set, nowhere, size_of::<Mask>()) })
        .map(drop)
}

/// Whether one of the set waited.
fn take(set: Mask) -> nix::Result<bool> {
    let (nowhere, at_once) = (ptr::null_mut::<u8>(), libc::timespec { tv_sec: 0, tv_nsec: 0 });
    // SAFETY: the set and the time live until the call is over, which writes nothing.
    #[allow(unsafe_code, reason = "the C library's sigtimedwait leaves its own signals out")]
    let taken = Errno::result(unsafe {
        let (set, at_once) = (&raw const set, &raw const at_once);
        libc::syscall(libc::SYS_rt_sigtimedwait, set, nowhere, at_once, size_of::<Mask>())
    });
    match taken {
        Err(Errno::EAGAIN) => Ok(false),
        taken => taken.map(|_| true),
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for run in self.0.chunk_by(|before, after| before + 1 == *after) {
            match run {
                [first, .., last] => write!(f, "{between}{first}-{last}")?,
                one => one.iter().try_for_each(|one| write!(f, "{between}{one}"))?,
            }
            between = " ";
        }
        Ok(())
    }
}

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
