//! What a signal does to this process.
//!
//! Note: 信号. Go: `signal.Ignore`, `signal.Reset`. Man: sigaction(2).

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use libc::c_int;
use nix::errno::Errno;

use crate::signal::Signal;
use crate::signal::set::Set;

/// One of the three reactions to a signal.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    Default,
    Ignore,
    /// `handler` runs, with the signals of `mask` and the signal itself blocked meanwhile.
    Catch {
        handler: extern "C" fn(c_int),
        mask: Set,
    },
}

impl Action {
    /// sigaction(2).
    pub fn set(self, signal: Signal) -> io::Result<()> {
        let (handler, mask) = match self {
            Action::Default => (libc::SIG_DFL, Set::EMPTY),
            Action::Ignore => (libc::SIG_IGN, Set::EMPTY),
            Action::Catch { handler, mask } => (handler as *const () as libc::sighandler_t, mask),
        };
        // SAFETY: all fields that count are set below; 0 is valid for the others.
        #[allow(unsafe_code, reason = "libc's struct differs from machine to machine")]
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = handler;
        action.sa_mask = mask.to_kernel();
        action.sa_flags = libc::SA_RESTART;
        sigaction(signal, &raw const action, ptr::null_mut())
    }
}

/// Whether the kernel lets a program choose: it is asked to set the action that is set already.
pub fn is_free(signal: Signal) -> io::Result<bool> {
    let mut current = MaybeUninit::uninit();
    sigaction(signal, ptr::null(), current.as_mut_ptr())?;
    match sigaction(signal, current.as_ptr(), ptr::null_mut()) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(false),
        result => result.map(|()| true),
    }
}

fn sigaction(signal: Signal, new: *const libc::sigaction, old: *mut libc::sigaction) -> io::Result<()> {
    // SAFETY: both are null or point to one; every handler of this program only touches atomics.
    #[allow(unsafe_code, reason = "nix's sigaction has no real-time signals")]
    Ok(Errno::result(unsafe { libc::sigaction(signal.number(), new, old) }).map(drop)?)
}
