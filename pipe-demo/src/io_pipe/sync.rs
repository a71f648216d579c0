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

/// How long a thread stays awake before it sleeps: looks at first (the other runs on another CPU), then
/// gives its CPU away between looks (the other waits for it).
#[derive(Debug, Default)]
pub struct Patience {
    looks: u32,
}

impl Patience {
    const LOOKS: u32 = 200;
    const YIELDS: u32 = 20;

    /// Waits while `nothing_new`, and tells whether the patience is over.
    pub fn wait_while(&mut self, nothing_new: impl Fn() -> bool) -> bool {
        while self.looks < Self::LOOKS + Self::YIELDS {
            if !nothing_new() {
                return false;
            }
            if self.looks < Self::LOOKS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
            self.looks += 1;
        }
        true
    }
}
