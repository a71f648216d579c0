//! SIGINT, SIGTERM and SIGHUP through ctrlc to a mio `Waker`; the second of them ends the process at once.
//!
//! ctrlc does not tell which signal came: [`signals`] notes that.
//!
//! Note: 信号 (a signal is caught to end in order). Go: `signal.Notify`. Man: signal(7), eventfd(2).

use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};

use anyhow::Context;
use mio::Waker;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal};

use crate::linux::signals::{self, ASKING};
use crate::linux::stdio::complain;

/// A request to end, seen by all event loops that gave it a waker. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    requested: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
    listener: OnceLock<fn()>,
}

impl Shutdown {
    /// A shutdown that the three signals request. The second that comes ends the process, after `last_act`.
    pub fn on_signals(last_act: impl Fn() + Send + 'static) -> anyhow::Result<Shutdown> {
        let shutdown = Shutdown::default();
        let requested = shutdown.clone();
        catch(move || if requested.is_requested() { abort(&last_act) } else { requested.request() })?;
        Ok(shutdown)
    }

    /// Asks every event loop to end.
    pub fn request(&self) {
        let is_first = !self.0.requested.swap(true, Ordering::SeqCst);
        for waker in self.0.wakers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // A loop that is not woken would never end: a failure is tried again, and is the program's own at last.
            if let Err(error) = waker.wake().or_else(|_| waker.wake()) {
                complain(&anyhow::Error::new(error).context("wake an event loop"));
                process::exit(1);
            }
        }
        if let Some(listener) = self.0.listener.get().filter(|_| is_first) {
            listener();
        }
    }

    /// Calls `listener` when the end is requested, after the event loops have been woken.
    pub fn tell_once(&self, listener: fn()) {
        self.0.listener.get_or_init(|| listener);
    }

    /// Whether the end has been requested.
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }

    /// Wakes `waker` when the end is requested, or at once if it has been already.
    pub fn wake(&self, waker: Waker) -> io::Result<()> {
        let mut wakers = self.0.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_requested() {
            waker.wake()?;
        }
        wakers.push(waker);
        Ok(())
    }
}

/// Makes the first of the three signals end the process, after `last_act`: for a program that has to clean up but
/// waits for nobody.
pub fn abort_on_signals(last_act: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    catch(move || abort(&last_act))
}

/// The same, but the first signal leaves alone who holds `busy`, and asks [`signals::check`] after that. A second one
/// waits for nobody.
pub fn abort_unless_busy(busy: Arc<Mutex<()>>) -> anyhow::Result<()> {
    let mut asked = false;
    catch(move || match busy.try_lock() {
        Err(TryLockError::WouldBlock) if !asked => asked = true,
        _nobody_begins_any_more => abort(&|| ()),
    })
}

fn abort(last_act: &impl Fn()) -> ! {
    last_act();
    match signals::came() {
        Some(signal) => signals::end_by(signal),
        None => process::abort(), // A handler runs because a signal came.
    }
}

/// Runs `handler`, on a thread of its own, at each of the three signals.
fn catch(handler: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    keeping_ignored(|| ctrlc::set_handler(handler)).context("catch SIGINT, SIGTERM and SIGHUP")
}

/// Lets `install` set its handlers, but an ignored signal stays ignored: a shell without job control
/// starts `prog &` so, and nohup any program.
///
/// `ctrlc::try_set_handler` would refuse all three signals where one is ignored, `set_handler` takes
/// all three. So the ignored ones are given back; meanwhile all are blocked, and setting a signal to
/// be ignored drops the one that waited.
fn keeping_ignored(install: impl FnOnce() -> Result<(), ctrlc::Error>) -> anyhow::Result<()> {
    let before = ASKING.into_iter().collect::<SigSet>().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let (ignored, caught): (Vec<Signal>, Vec<Signal>) =
        ASKING.into_iter().partition(|&signal| signals::is_ignored(signal));
    install()?;
    ignored.into_iter().try_for_each(|signal| signals::set(signal, SigHandler::SigIgn))?;
    caught.into_iter().try_for_each(signals::note_before_handler)?;
    Ok(before.thread_set_mask()?)
}
