//! How a child ends that may die of what it does.
//!
//! Man: PR_SET_DUMPABLE in prctl(2), waitid(2).

use std::io;

use anyhow::Context;
use libc::WEXITED;
use nix::sys::prctl::set_dumpable;
use shared::linux::child::event::Event;
use shared::linux::child::forked::Forked;

/// All is well in the child.
pub const WELL: Event = Event::Exited(0);

/// By a signal that it dies of, without a core, or with the code that `body` returns.
pub fn end_of(body: impl FnOnce() -> u8) -> anyhow::Result<Event> {
    let mut child = Forked::new(|| {
        set_dumpable(false).map_err(io::Error::from).context("PR_SET_DUMPABLE")?;
        exit(body())
    })?;
    child.wait(WEXITED)
}

/// The one system call that a sealed child may still make.
fn exit(code: u8) -> ! {
    // SAFETY: ends the process; what the parent has buffered is not written twice.
    #[allow(unsafe_code, reason = "exit(3) would run the parent's destructors")]
    unsafe {
        libc::_exit(code.into())
    }
}
