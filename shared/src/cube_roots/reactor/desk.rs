//! What all connections of a reactor work with, one at a time.

use super::connection::INPUT;
use super::deadlines::Tick;

/// The service, and the buffer that takes its answers.
pub(super) struct Desk<S> {
    pub(super) service: S,
    pub(super) records: bool,
    /// The tick of this wake-up.
    pub(super) now: Tick,
    /// The server is about to end: connections that have been answered are half-closed.
    pub(super) is_last: bool,
    pub(super) answered: u64,
    pub(super) answers: Vec<u8>,
}

impl<S> Desk<S> {
    pub(super) fn new(service: S, records: bool) -> Desk<S> {
        Desk { service, records, now: 0, is_last: false, answered: 0, answers: Vec::with_capacity(INPUT) }
    }
}
