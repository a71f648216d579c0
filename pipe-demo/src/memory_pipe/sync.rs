//! What the pipe is built of: the standard library's, or loom's, which tries every interleaving.

#[cfg(loom)]
pub use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
pub use std::sync::PoisonError;
#[cfg(not(loom))]
pub use std::sync::{Arc, Condvar, Mutex, MutexGuard};
