//! What ends by a deadline.
//!
//! Note: Socket的基本特征 (AF_UNIX). Go: `context.WithDeadline`. Man: unix(7).

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Instant;

use anyhow::Context;
use shared::linux::failure::Failure;
use shared::linux::thread;

/// Does `work` on a thread of its own, whose calls may wait for ever: past the deadline the process ends without it.
pub fn by<T: Send + 'static>(
    deadline: Instant,
    what: &str,
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(work()))?;
    match result.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Err(RecvTimeoutError::Timeout) => Err(Failure::Deadline(format!("{what}: i/o timeout")).into()),
        result => result.with_context(|| format!("{what}: the thread panicked"))?,
    }
}
