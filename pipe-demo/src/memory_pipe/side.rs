//! How one side of the pipe waits for the other: awake for a moment, then asleep.
//!
//! The other side is often about to act, and falling asleep and being woken takes longer than a small message: a round
//! trip between two CPUs would take about thirty times as long. On another CPU the other side acts while this one
//! looks on; on the same CPU only when this one yields.
//!
//! Go: a goroutine is woken without the kernel. Man: pthread_cond_wait(3), getcpu(2), sched_yield(2).

use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use nix::sched::sched_getcpu;

use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Where the threads of one side wait.
#[derive(Debug, Default)]
pub struct Side {
    woken: Condvar,
    /// Where one of them was seen last. A guess: it only decides how to stay awake.
    cpu: AtomicUsize,
}

impl Side {
    /// Locks the state as soon as it `is_so`. Whoever makes it so must then wake this side.
    pub fn wait_until<'a, T>(
        &self,
        state: &'a Mutex<T>,
        other: &Side,
        is_so: impl Fn(&T) -> bool,
    ) -> MutexGuard<'a, T> {
        if let Some(state) = self.stay_awake_until(state, other, &is_so) {
            return state;
        }
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        while !is_so(&state) {
            state = self.woken.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// Wakes all, as one may leave a rest that the others wait for.
    pub fn wake(&self) {
        self.woken.notify_all();
    }

    fn stay_awake_until<'a, T>(
        &self,
        state: &'a Mutex<T>,
        other: &Side,
        is_so: impl Fn(&T) -> bool,
    ) -> Option<MutexGuard<'a, T>> {
        const LOOKS: usize = if cfg!(loom) { 0 } else { 1000 };
        /// What yielding costs, in looks.
        const YIELD: usize = 50;

        self.cpu.store(this_cpu(), Ordering::Relaxed);
        let mut looks = 0;
        while looks < LOOKS {
            // Not `lock`, which may fall asleep: whoever has the lock is about to change the state.
            if let Some(state) = state.try_lock().ok().filter(|state| is_so(state)) {
                return Some(state);
            }
            if other.cpu.load(Ordering::Relaxed) == this_cpu() {
                thread::yield_now();
                looks += YIELD;
            } else {
                hint::spin_loop();
                looks += 1;
            }
        }
        None
    }
}

fn this_cpu() -> usize {
    sched_getcpu().unwrap_or_default()
}
