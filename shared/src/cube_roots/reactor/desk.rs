//! What all connections of a reactor work with, one at a time.

/// The most that one turn reads. A record longer than any message fits with room to spare.
pub(super) const INPUT: usize = 8192;

/// A point in time, in ticks since the start: see [`super::deadlines`].
pub(super) type Tick = u64;

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
