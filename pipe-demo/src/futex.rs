//! futex(2): sleeping until a word in shared memory changes.
//!
//! Go: its runtime has one. Man: futex(2).

use std::io;
use std::ptr;
use std::sync::atomic::AtomicU32;

use shared::linux::readiness::{is_timeout, restart};

/// Sleeps while the word is `value`, until it is woken; at times for no reason.
pub fn wait(word: &AtomicU32, value: u32) -> io::Result<()> {
    match restart(|| futex(word, libc::FUTEX_WAIT, value)) {
        // EAGAIN: it is another one already.
        Err(error) if is_timeout(&error) => Ok(()),
        woken => woken,
    }
}

/// Wakes one that sleeps.
pub fn wake(word: &AtomicU32) -> io::Result<()> {
    futex(word, libc::FUTEX_WAKE, 1)
}

fn futex(word: &AtomicU32, operation: libc::c_int, value: u32) -> io::Result<()> {
    // SAFETY: the word outlives the call; without a timeout nothing else is looked at.
    #[allow(unsafe_code, reason = "neither libc nor nix has futex(2)")]
    let returned =
        unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, value, ptr::null::<libc::timespec>()) };
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
