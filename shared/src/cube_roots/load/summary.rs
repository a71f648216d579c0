//! The record of a load: what was measured.

use std::fmt;

use serde::Serialize;

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) network: &'static str,
    pub(super) address: String,
    pub(super) connections: u32,
    pub(super) depth: u32,
    pub(super) elapsed_ms: u128,
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) requests_per_s: u64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) p999_us: f64,
    pub(super) max_us: f64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { network, address, connections, depth, elapsed_ms, requests, errors, .. } = self;
        write!(f, "network={network} address={address} connections={connections} depth={depth} ")?;
        write!(f, "elapsed_ms={elapsed_ms} requests={requests} errors={errors} ")?;
        write!(f, "requests_per_s={} ", self.requests_per_s)?;
        write!(f, "p50_us={} p99_us={} p999_us={} max_us={}", self.p50_us, self.p99_us, self.p999_us, self.max_us)
    }
}
