//! Signals at both ends of a program's life: the mask that it was started with, and the signal that ends it.
//!
//! Whoever started us may have blocked the signals that end us, or ignored them. Blocked ones are unblocked, and our
//! children get the mask that we got; ignored ones stay ignored, for somebody wished that (nohup, `prog &` of sh).
//!
//! Note: 信号. Go: `signal.Notify`. Man: signal(7), sigprocmask(2), raise(3).

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{self, Command};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::libc::c_int;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, raise, sigaction, sigprocmask};

use crate::linux::failure::Failure;

/// Ctrl-C, `kill`, and a terminal that hangs up: they ask for an end in order.
pub const ASKING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// The signals that end a program, whether it catches them or not.
const ENDING: [Signal; 5] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGPIPE];

/// The mask that this process was started with.
static GIVEN: OnceLock<SigSet> = OnceLock::new();

/// The last of the [`ASKING`] that came, or 0.
static CAME: AtomicI32 = AtomicI32::new(0);

/// The handler that [`note`] calls.
static NEXT: OnceLock<extern "C" fn(c_int)> = OnceLock::new();

/// Unblocks the signals that end a program. Call it before there is a second thread, which would inherit the mask.
pub fn unblock() -> io::Result<()> {
    let given = ENDING.into_iter().collect::<SigSet>().thread_swap_mask(SigmaskHow::SIG_UNBLOCK)?;
    GIVEN.get_or_init(|| given);
    Ok(())
}

/// Makes `command` start with the mask that this process was started with.
pub fn hand_on(command: &mut Command) -> &mut Command {
    let Some(&given) = GIVEN.get() else { return command };
    // SAFETY: sigprocmask(2) is async-signal-safe, and the set is the closure's own.
    #[allow(unsafe_code, reason = "between fork and exec only async-signal-safe calls are allowed")]
    unsafe {
        command.pre_exec(move || Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&given), None)?))
    }
}

/// Whether this process ignores `signal`.
pub fn is_ignored(signal: Signal) -> bool {
    let mut current = std::mem::MaybeUninit::<nix::libc::sigaction>::uninit();
    // SAFETY: with no new action sigaction(2) only writes the current one.
    #[allow(unsafe_code, reason = "nix has no way to look at an action without setting one")]
    unsafe {
        nix::libc::sigaction(signal as c_int, std::ptr::null(), current.as_mut_ptr()) == 0
            && current.assume_init().sa_sigaction == nix::libc::SIG_IGN
    }
}

/// Ignores `signal`, or gives it back its default action.
pub fn set(signal: Signal, handler: SigHandler) -> io::Result<()> {
    debug_assert!(matches!(handler, SigHandler::SigIgn | SigHandler::SigDfl));
    // SAFETY: neither runs code of ours.
    #[allow(unsafe_code, reason = "sigaction(2) is unsafe for handlers; this sets none")]
    unsafe { sigaction(signal, &SigAction::new(handler, SaFlags::empty(), SigSet::empty())) }?;
    Ok(())
}

/// Puts our handler before that of `signal`, which does not tell which signal came: ours notes it, then calls that.
pub(super) fn note_before_handler(signal: Signal) -> io::Result<()> {
    let ours = SigAction::new(SigHandler::Handler(note), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler stores a number and calls one that was a handler already: both are async-signal-safe.
    #[allow(unsafe_code, reason = "sigaction(2) is unsafe for what a handler may do")]
    let before = unsafe { sigaction(signal, &ours) }?;
    if let SigHandler::Handler(next) = before.handler() {
        NEXT.get_or_init(|| next);
    }
    Ok(())
}

extern "C" fn note(signal: c_int) {
    CAME.store(signal, Ordering::SeqCst);
    if let Some(next) = NEXT.get() {
        next(signal);
    }
}

/// The last of the [`ASKING`] signals that was caught.
pub fn came() -> Option<Signal> {
    Signal::try_from(CAME.load(Ordering::SeqCst)).ok()
}

/// Fails once a signal has come: for work that it breaks off.
pub fn check() -> Result<(), Failure> {
    came().map_or(Ok(()), |signal| Err(Failure::Interrupted(signal)))
}

/// Ends this process by `signal`, as if it had never been caught, so that whoever waits for us sees which it was.
pub fn end_by(signal: Signal) -> ! {
    let only: SigSet = [signal].into_iter().collect();
    let ended = set(signal, SigHandler::SigDfl)
        .and_then(|()| Ok(sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&only), None)?))
        .and_then(|()| Ok(raise(signal)?));
    drop(ended);
    // The first process of a PID namespace is not killed by a default action: it says so as a shell would.
    process::exit(128 + signal as i32)
}
