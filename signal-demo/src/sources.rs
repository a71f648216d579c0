//! Where signals come from: the keyboard, the hardware, calls, and what a program may not do. Whom they reach: also a process
//! that waits for nothing. Whom a search by name finds. And who is reached by what the keyboard sends: `go run` as well as the program that it started.
//!
//! Each source ends a child. The keyboard is a pseudo-terminal: what is written to its master is as good as typed.
//!
//! Note: 信号 ("信号的来源", "唯一一种异步的通讯方法", "go run"). Go: (none). Man: signal(7), pty(7), "Special characters" in
//! termios(3), credentials(7).

pub mod asynchronous;
pub mod by_name;
pub mod launcher;
mod terminal;

use std::io::{self, Write};
use std::process;
use std::ptr;

use anyhow::{Context, bail};
use libc::WEXITED;
use nix::sys::prctl;
use serde::Serialize;
use shared::harness::report::Report;
use shared::harness::showing::Showing;
use shared::linux::child::answer::{tell, telling, told};
use shared::linux::child::event::Event;
use shared::linux::child::forked::{Forked, pause};

use terminal::{lead_session_at, terminal};

use crate::signal::Signal;
use crate::signal::action::{self, Action};

#[derive(clap::Args)]
pub struct Args {}

/// What became of a process, and what was done to it.
#[derive(Debug, Serialize)]
pub struct Source {
    pub from: &'static str,
    pub what: &'static str,
    pub observed: Event,
    /// The signal of the note's example.
    #[serde(skip)]
    pub expected: i32,
}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut showing = Showing::new(out);
    for cause in CAUSES {
        showing.record(cause.1, Source::seen(cause))?;
    }
    showing.record("Ctrl-C at a launcher", launcher::interrupted())?;
    showing.record("a search by name", by_name::search())?;
    showing.records("a process that waits for nothing", asynchronous::means())?;
    showing.records("a launcher that ends", launcher::outputs())?;
    showing.finish()
}

/// Where a signal comes from, what is done, how, and the signal that comes of it.
type Cause = (&'static str, &'static str, fn() -> anyhow::Result<Event>, i32);

const CAUSES: [Cause; 6] = [
    ("keyboard", r"^C", || type_key(b'C' & 0x1f), libc::SIGINT),
    ("keyboard", r"^\", || type_key(b'\\' & 0x1f), libc::SIGQUIT),
    ("hardware", "page without access", || do_in_a_child(read_without_access), libc::SIGSEGV),
    ("call", "abort(3)", || do_in_a_child(|| process::abort()), libc::SIGABRT),
    ("call", "write(2) without a reader", || do_in_a_child(write_without_reader), libc::SIGPIPE),
    ("illegal operation", illegal::OPERATION, || do_in_a_child(illegal::operate), illegal::SIGNAL),
];

pub fn sources() -> anyhow::Result<Vec<Source>> {
    CAUSES.into_iter().map(Source::seen).collect()
}

impl Source {
    fn seen((from, what, cause, expected): Cause) -> anyhow::Result<Source> {
        Ok(Source { from, what, observed: cause().context(what)?, expected })
    }
}

fn do_in_a_child(cause: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Event> {
    let mut child = Forked::new(|| {
        be_as_new()?;
        cause()
    })?;
    child.wait(WEXITED)
}

/// Types `key` at a terminal whose foreground is a child.
fn type_key(key: u8) -> anyhow::Result<Event> {
    // ANCHOR: key
    let (mut master, name) = terminal()?;
    let (mut child, ready) = telling(|teller| {
        be_as_new()?;
        let _terminal = lead_session_at(&name)?;
        tell(teller, &[1])?;
        pause()
    })?;
    let [_has_terminal] = told(&ready)?;
    master.write_all(&[key]).context("type")?;
    child.wait(WEXITED)
    // ANCHOR_END: key
}

/// Every signal does its default, and no core file is left.
fn be_as_new() -> anyhow::Result<()> {
    prctl::set_dumpable(false)?;
    for signal in Signal::all() {
        if action::is_free(signal)? {
            Action::Default.set(signal)?;
        }
    }
    Ok(())
}

fn read_without_access() -> anyhow::Result<()> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping, of which only its own address is read, and if that can be, it is memory.
    #[allow(unsafe_code, reason = "the fault is the point")]
    unsafe {
        let page = libc::mmap(ptr::null_mut(), 1, libc::PROT_NONE, flags, -1, 0);
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error()).context("mmap");
        }
        page.cast::<u8>().read_volatile();
    }
    bail!("it can be read")
}

fn write_without_reader() -> anyhow::Result<()> {
    let (reader, mut writer) = io::pipe()?;
    drop(reader);
    Ok(writer.write_all(b"!")?)
}

/// An integer divided by zero.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
mod illegal {
    use std::arch::asm;

    pub const OPERATION: &str = "1/0";
    pub const SIGNAL: i32 = libc::SIGFPE;

    pub fn operate() -> anyhow::Result<()> {
        // SAFETY: it changes no memory and no register but those named.
        #[allow(unsafe_code, reason = "the language checks its own divisions")]
        unsafe {
            asm!("div {0:e}", in(reg) 0, inout("eax") 1 => _, inout("edx") 0 => _);
        }
        anyhow::bail!("it can be divided")
    }
}

/// Other CPUs divide by zero and say nothing; an instruction that does not exist they refuse.
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
mod illegal {
    use shared::linux::failure::Failure;

    pub const OPERATION: &str = "no instruction";
    pub const SIGNAL: i32 = libc::SIGILL;

    pub fn operate() -> anyhow::Result<()> {
        #[cfg(target_arch = "aarch64")]
        // SAFETY: it does nothing else.
        #[allow(unsafe_code, reason = "the fault is the point")]
        unsafe {
            std::arch::asm!("udf #0");
        }
        Err(Failure::CannotShow("no illegal instruction is known for this CPU".to_owned()).into())
    }
}
