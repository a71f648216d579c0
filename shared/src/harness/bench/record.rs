//! The result of one measurement: a line of JSON, which any program's `bench --records` reads.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::placement::{Pin, Placement};
use super::work::{Seen, Work};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) mechanism: String,
    /// The bytes of a message.
    pub(super) size: usize,
    pub(super) pin: Pin,
    /// The CPU of each side.
    pub(super) pinned_to: Option<(usize, usize)>,
    pub(super) round_trips: u64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) p999_us: f64,
    /// In one direction, in 10⁶ bytes a second.
    pub(super) mb_per_s: Option<f64>,
    /// Calls of read(2) and write(2) in a round trip, of both sides.
    pub(super) reads_writes: Option<f64>,
    /// Context switches of both sides in a round trip, voluntary or not.
    pub(super) context_switches: f64,
}

impl Record {
    pub(super) fn new(mechanism: &str, placement: Placement, work: &Work, seen: &Seen) -> Record {
        let us = |quantile| seen.latencies.value_at_quantile(quantile) as f64 / 1e3;
        let each = |count: u64| rounded(count as f64 / work.round_trips as f64, 100.0);
        let sent = (work.one_way * work.bytes as u64) as f64;
        Record {
            mechanism: mechanism.to_owned(),
            size: work.bytes,
            pin: placement.pin,
            pinned_to: placement.cpus,
            round_trips: work.round_trips,
            p50_us: us(0.5),
            p99_us: us(0.99),
            p999_us: us(0.999),
            mb_per_s: (work.one_way > 0).then(|| rounded(sent / seen.one_way.as_secs_f64() / 1e6, 1000.0)),
            reads_writes: seen.counted.reads_writes.map(each),
            context_switches: each(seen.counted.switches),
        }
    }

    /// What it is compared with. Signals, which carry little or nothing, stand beside the small messages.
    pub(super) fn part(&self) -> (bool, Pin) {
        (self.size > 64, self.pin)
    }

    /// Part by part, the fastest first.
    pub(super) fn sorted(records: &[Record]) -> Vec<&Record> {
        let mut sorted: Vec<&Record> = records.iter().collect();
        sorted.sort_by(|one, other| one.part().cmp(&other.part()).then(one.p50_us.total_cmp(&other.p50_us)));
        sorted
    }
}

fn rounded(value: f64, to: f64) -> f64 {
    (value * to).round() / to
}

/// JSON lines as `bench --json` prints them.
pub(super) fn load(file: &Path) -> anyhow::Result<Vec<Record>> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let record = |(n, line)| serde_json::from_str(line).with_context(|| format!("{}, line {}", file.display(), n + 1));
    text.lines().enumerate().map(record).collect()
}
