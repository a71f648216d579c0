//! A handler that notes down what it is called for. It touches atomics only, as a handler may.
//!
//! Man: signal-safety(7).

use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use anyhow::Context;
use libc::c_int;

use crate::signal::Signal;
use crate::signal::action::Action;
use crate::signal::set::Set;

static NOTED: [AtomicI32; 16] = [const { AtomicI32::new(0) }; 16];
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Has the handler run for `signal`; meanwhile those of `mask` wait.
pub fn catch(signal: Signal, mask: Set) -> anyhow::Result<()> {
    Action::Catch { handler: note, mask }.set(signal).with_context(|| format!("catch {signal}"))
}

pub extern "C" fn note(number: c_int) {
    let call = CALLS.fetch_add(1, Ordering::SeqCst);
    if let Some(place) = NOTED.get(call) {
        place.store(number, Ordering::SeqCst);
    }
}

/// How often it was called since the last time this was asked, and for which signals: the first 16, in order.
pub fn take_notes() -> (usize, Vec<Signal>) {
    let calls = CALLS.swap(0, Ordering::SeqCst);
    let numbers = NOTED.iter().take(calls).map(|place| place.load(Ordering::SeqCst));
    (calls, numbers.filter_map(Signal::from_number).collect())
}
