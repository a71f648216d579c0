//! SIGINT, SIGTERM and SIGHUP through ctrlc to a mio `Waker`; the second Ctrl-C ends at once.
//!
//! Note: 信号 (a signal is caught to end in order). Go: `signal.Notify`. Man: signal(7), eventfd(2).

use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use mio::Waker;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask};

/// 128 + SIGINT: what a shell reports of a program that Ctrl-C killed.
const KILLED_BY_SIGINT: i32 = 130;

/// The signals that ctrlc catches with its feature `termination`.
const CAUGHT: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// A wish to end, seen by all event loops that gave it a waker. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    requested: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
}

impl Shutdown {
    /// A shutdown that the three signals request. A second signal ends the process with 130, after
    /// `last_act`.
    pub fn on_signals(last_act: impl Fn() + Send + 'static) -> anyhow::Result<Shutdown> {
        let shutdown = Shutdown::default();
        let requested = shutdown.clone();
        catch(move || if requested.is_requested() { abort(&last_act) } else { requested.request() })?;
        Ok(shutdown)
    }

    /// Asks every event loop to end.
    pub fn request(&self) {
        self.0.requested.store(true, Ordering::SeqCst);
        for waker in self.0.wakers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Err(error) = waker.wake() {
                crate::harness::report::narrate(format_args!("wake an event loop: {error}"));
            }
        }
    }

    /// Whether the end has been asked for.
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }

    /// Has `waker` woken when the end is asked for, or at once if it has been already.
    pub fn wake(&self, waker: Waker) -> io::Result<()> {
        let mut wakers = self.0.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_requested() {
            waker.wake()?;
        }
        wakers.push(waker);
        Ok(())
    }
}

/// Has the first of the three signals end the process with 130, after `last_act`: for a program that
/// has something to take away but nobody to wait for.
pub fn abort_on_signals(last_act: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    catch(move || abort(&last_act))
}

fn abort(last_act: &impl Fn()) -> ! {
    last_act();
    process::exit(KILLED_BY_SIGINT)
}

/// Runs `handler`, on a thread of its own, at each of the three signals.
fn catch(handler: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    keeping_ignored(|| ctrlc::set_handler(handler)).context("catch SIGINT, SIGTERM and SIGHUP")
}

/// Lets `install` set its handlers, but a signal that was ignored stays ignored: so a shell without
/// job control starts `prog &`, and nohup any program.
///
/// `ctrlc::try_set_handler` would refuse all three signals where one is ignored, `set_handler` takes
/// all three. So the ignored ones are given back; meanwhile all are blocked, and setting a signal to
/// be ignored drops the one that waited.
fn keeping_ignored(install: impl FnOnce() -> Result<(), ctrlc::Error>) -> anyhow::Result<()> {
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    let mut before = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&CAUGHT.into_iter().collect()), Some(&mut before))?;
    let ignored: Vec<Signal> = CAUGHT.into_iter().filter(|&signal| is_ignored(signal)).collect();
    let installed = install();
    for signal in ignored {
        // SAFETY: to ignore a signal runs no code of ours.
        #[allow(unsafe_code, reason = "sigaction(2) is unsafe for handlers; this sets none")]
        unsafe { sigaction(signal, &ignore) }?;
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
    Ok(installed?)
}

/// Whether this process ignores `signal`.
fn is_ignored(signal: Signal) -> bool {
    let mut current = std::mem::MaybeUninit::<nix::libc::sigaction>::uninit();
    // SAFETY: with no new action sigaction(2) only writes the current one.
    #[allow(unsafe_code, reason = "nix has no way to look at an action without setting one")]
    unsafe {
        nix::libc::sigaction(signal as i32, std::ptr::null(), current.as_mut_ptr()) == 0
            && current.assume_init().sa_sigaction == nix::libc::SIG_IGN
    }
}
