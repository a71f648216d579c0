//! When idle connections are due, at the price of storing a number for each request.
//!
//! Time goes in ticks, each a fortieth of the timeout. A request stores the tick of the wake-up that
//! brought it. At the earliest tick at which a connection can be due, a sweep over all of them finds those
//! that are. Reading the clock for each request would cost ten times as much, a heap thirty times.
//!
//! Note: SetDeadline、SetReadDeadline、SetWriteDeadline方法. Go: `net.Conn.SetReadDeadline`.

use std::time::{Duration, Instant};

use slab::Slab;

use super::connection::Connection;
use super::desk::Tick;

/// Number of ticks in a timeout.
const TICKS: u32 = 40;

/// A tick is stored once it has begun, and may be one wake-up old: two more make sure that no connection is
/// closed before its time.
const DUE: Tick = TICKS as Tick + 2;

/// The deadlines of all connections.
#[derive(Debug)]
pub(super) struct Deadlines {
    start: Instant,
    tick_ns: u64,
    /// When the next connection can be due; `None` while there are no connections.
    sweep: Option<Tick>,
    enabled: bool,
}

impl Deadlines {
    pub(super) fn new(timeout: Duration, now: Instant) -> Deadlines {
        let tick = (timeout / TICKS).max(Duration::from_millis(1));
        let tick_ns = u64::try_from(tick.as_nanos()).unwrap_or(u64::MAX);
        Deadlines { start: now, tick_ns, sweep: None, enabled: !timeout.is_zero() }
    }

    /// The tick of `now`.
    pub(super) fn tick(&self, now: Instant) -> Tick {
        let since = now.saturating_duration_since(self.start).as_nanos();
        Tick::try_from(since / u128::from(self.tick_ns)).unwrap_or(Tick::MAX)
    }

    /// A connection was accepted at `tick`.
    pub(super) fn watch(&mut self, tick: Tick) {
        if self.enabled && self.sweep.is_none() {
            self.sweep = Some(tick + DUE);
        }
    }

    /// When to look for expired connections next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.sweep.map(|tick| self.start + Duration::from_nanos(self.tick_ns.saturating_mul(tick)))
    }

    /// The connections that are due, if it is time to look.
    pub(super) fn expired(&mut self, now: Instant, connections: &Slab<Connection>) -> Vec<usize> {
        let now = self.tick(now);
        if self.sweep.is_none_or(|tick| now < tick) {
            return Vec::new();
        }
        self.sweep = None;
        let mut expired = Vec::new();
        for (peer, connection) in connections {
            let due = connection.last_progress + DUE;
            if due <= now {
                expired.push(peer);
            } else {
                self.sweep = Some(self.sweep.map_or(due, |sweep| sweep.min(due)));
            }
        }
        expired
    }
}
