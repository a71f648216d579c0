//! What a server counts.

use std::fmt;

use super::service::End;

/// What happened, for the last line on stderr.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Accepted, with a peer that sent a byte.
    pub connections: u64,
    /// Answered, errors included.
    pub requests: u64,
    /// Closed because no request was completed in time.
    pub timed_out: u64,
    /// Ended by an error, such as a reset; some of them before they were accepted.
    pub failed: u64,
    /// Still open when the grace period ended.
    pub cut_off: u64,
    /// Accepted, with a peer that never sent a byte.
    pub probes: u64,
}

impl Counts {
    /// A connection was closed; `heard`: its peer had sent a byte.
    pub(super) fn closed(&mut self, heard: bool, end: &End) {
        if heard {
            self.connections += 1;
        } else {
            self.probes += 1;
        }
        match end {
            End::Orderly => {}
            End::TimedOut => self.timed_out += 1,
            End::CutOff => self.cut_off += 1,
            End::Failed(_) => self.failed += 1,
        }
    }

    /// The sum, over the reactors of one server.
    #[must_use]
    pub fn and(self, other: Counts) -> Counts {
        Counts {
            connections: self.connections + other.connections,
            requests: self.requests + other.requests,
            timed_out: self.timed_out + other.timed_out,
            failed: self.failed + other.failed,
            cut_off: self.cut_off + other.cut_off,
            probes: self.probes + other.probes,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { connections, requests, timed_out, failed, cut_off, probes } = self;
        write!(f, "connections={connections} requests={requests} ")?;
        write!(f, "timed_out={timed_out} failed={failed} cut_off={cut_off} probes={probes}")
    }
}
