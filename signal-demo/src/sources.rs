//! Where signals come from: the keyboard, the hardware, calls, and what a program may not do.
//!
//! Each ends a child. The keyboard is a pseudo-terminal: what is written to its master is as good as typed.
//!
//! Note: 信号 ("信号的来源"). Go: (none). Man: signal(7), pty(7), "Special characters" in termios(3), credentials(7).

pub mod asynchronous;
pub mod launcher;

use std::fs::File;
use std::io::{self, Read, Write};
use std::process;
use std::ptr;

use anyhow::{Context, bail};
use libc::WEXITED;
use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::prctl;
use nix::unistd;
use shared::harness::claims::{Check, Seen};
use shared::linux::failure::Failure;
use shared::linux::readiness::restart;

use crate::child::{self, Child, Event};
use crate::signal::action::{self, Action};
use crate::signal::{self, Signal};

pub const CHECKS: &[Check] = &[(112, four_sources)];

/// What is done, and the signal that comes of it.
type Source = (&'static str, fn() -> anyhow::Result<Event>, i32);

const SOURCES: [Source; 6] = [
    (r"^C", || type_key(b'C' & 0x1f), libc::SIGINT),
    (r"^\", || type_key(b'\\' & 0x1f), libc::SIGQUIT),
    ("page without access", || do_in_a_child(read_without_access), libc::SIGSEGV),
    ("abort(3)", || do_in_a_child(|| process::abort()), libc::SIGABRT),
    ("write(2) without a reader", || do_in_a_child(write_without_reader), libc::SIGPIPE),
    (illegal::OPERATION, || do_in_a_child(illegal::operate), illegal::SIGNAL),
];

fn four_sources() -> anyhow::Result<Seen> {
    let (mut as_noted, mut evidence) = (true, Vec::new());
    for (source, cause, expected) in SOURCES {
        let event = cause().with_context(|| source)?;
        as_noted &= matches!(event, Event::Killed { signal, .. } if signal == expected);
        evidence.push(match event {
            Event::Killed { signal, .. } => format!("{source}: {}", signal::name(signal)),
            event => format!("{source}: {event}"),
        });
    }
    Ok(Seen::holds(as_noted, evidence.join(", ")))
}

fn do_in_a_child(cause: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Event> {
    let mut child = Child::fork(|| {
        be_as_new()?;
        cause()
    })?;
    child.wait(WEXITED)
}

// ANCHOR: key
/// Types `key` at a terminal whose foreground is a child.
fn type_key(key: u8) -> anyhow::Result<Event> {
    let (mut master, name) = terminal().map_err(|error| Failure::CannotShow(format!("no pseudo-terminal: {error}")))?;
    let (mut ready, mut ready_in_child) = io::pipe().context("pipe")?;
    let mut child = Child::fork(|| {
        be_as_new()?;
        // Without a terminal, the leader of a new session gets the first that it opens.
        unistd::setsid()?;
        let _terminal = File::options().read(true).write(true).open(&name).with_context(|| format!("open {name}"))?;
        ready_in_child.write_all(b"!")?;
        child::pause()
    })?;
    drop(ready_in_child);
    restart(|| ready.read_exact(&mut [0])).context("wait for the child to have its terminal")?;
    master.write_all(&[key]).context("type")?;
    child.wait(WEXITED)
}
// ANCHOR_END: key

fn terminal() -> io::Result<(impl Write, String)> {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname_r(&master)?;
    Ok((master, name))
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
