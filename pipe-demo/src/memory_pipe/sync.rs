//! What the pipe is built of: the standard library's, or loom's, which tries every interleaving.

#[cfg(loom)]
pub use loom::sync::{
    Arc, Condvar, Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering},
};
pub use std::sync::PoisonError;
#[cfg(not(loom))]
pub use std::sync::{
    Arc, Condvar, Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering},
};

/// How long a thread stays awake before it sleeps, as falling asleep and being woken takes longer than a
/// message: it looks for a while when the other side is on another CPU, and lets it have this one when not.
#[derive(Debug, Default)]
pub struct Patience {
    looks: u32,
}

impl Patience {
    const LOOKS: u32 = 2000;
    /// What yielding costs, in looks.
    const YIELD: u32 = 50;

    /// Waits while `nothing_new`, and tells whether the patience is over.
    pub fn wait_while(&mut self, other: &Cpu, nothing_new: impl Fn() -> bool) -> bool {
        while self.looks < Self::LOOKS {
            if !nothing_new() {
                return false;
            }
            if other.is_this_one() {
                std::thread::yield_now();
                self.looks += Self::YIELD;
            } else {
                std::hint::spin_loop();
                self.looks += 1;
            }
        }
        true
    }
}

/// Where one side of a pipe was seen last. A guess: it only decides how to wait.
#[derive(Debug, Default)]
pub struct Cpu(std::sync::atomic::AtomicUsize);

impl Cpu {
    /// Notes the CPU that this thread runs on.
    pub fn note(&self) {
        self.0.store(this_cpu(), Ordering::Relaxed);
    }

    fn is_this_one(&self) -> bool {
        self.0.load(Ordering::Relaxed) == this_cpu()
    }
}

fn this_cpu() -> usize {
    nix::sched::sched_getcpu().unwrap_or_default()
}
