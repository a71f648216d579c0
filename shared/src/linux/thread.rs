//! A thread that cannot be started (`RLIMIT_NPROC`, a limit of the container, memory) is an error. `thread::spawn`
//! and `Scope::spawn` of the standard library panic.
//!
//! Man: pthread_create(3), RLIMIT_NPROC in setrlimit(2).

use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};

use crate::linux::failure::start_failed;

/// A thread that may outlive its owner.
pub fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<JoinHandle<T>> {
    Builder::new().spawn(work).map_err(|error| start_failed("start a thread", error))
}

/// A thread that the scope waits for, even after a failure in the scope: then it must not block for ever.
pub fn spawn_scoped<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> anyhow::Result<ScopedJoinHandle<'scope, T>> {
    Builder::new().spawn_scoped(scope, work).map_err(|error| start_failed("start a thread", error))
}
