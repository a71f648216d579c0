//! One measurement after the other, with a progress bar where there is a terminal.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use super::counters::Counters;
use super::mechanism::{Mechanism, Meeting};
use super::peer::Peer;
use super::placement::Placement;
use super::record::Record;
use super::work::{Seen, Work};
use crate::harness::report::Report;
use crate::linux::child::Children;
use crate::linux::cpu::staying_on;

/// Round trips of a trial, which shows how many fit into the time.
const TRIAL: u64 = 200;
/// The fewest round trips that have a 99th percentile.
const FEWEST: u64 = 200;

/// What is being measured, for the message when it takes too long: `pipe, 64 bytes: `.
static CURRENT: Mutex<String> = Mutex::new(String::new());

pub(super) fn current() -> String {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// What is to be measured, and how long each may take.
pub(super) struct Plan {
    steps: Vec<Step>,
    round_trips: Duration,
    one_way: Duration,
    /// The most round trips: on a busy machine the rest may be far slower than the trial was.
    most: u64,
}

struct Step {
    mechanism: &'static Mechanism,
    bytes: usize,
    placement: Placement,
}

impl Plan {
    pub(super) fn new(mechanisms: Vec<&'static Mechanism>, placements: &[Placement], quick: bool) -> Plan {
        let of = |mechanism: &'static Mechanism| {
            let sizes = mechanism.sizes.iter();
            sizes.flat_map(move |&bytes| placements.iter().map(move |&placement| Step { mechanism, bytes, placement }))
        };
        let (round_trips, one_way, most) = if quick { (30, 15, 1000) } else { (200, 100, 50_000) };
        Plan {
            steps: mechanisms.into_iter().flat_map(of).collect(),
            round_trips: Duration::from_millis(round_trips),
            one_way: Duration::from_millis(one_way),
            most,
        }
    }

    /// Measures every step; `out` gets each record as soon as it is known.
    pub(super) fn measure(&self, children: &Children, mut out: Option<&mut Report>) -> anyhow::Result<Vec<Record>> {
        let bar = ProgressBar::new(self.steps.len() as u64);
        bar.set_style(ProgressStyle::with_template("{wide_bar} {msg}")?);
        let mut records = Vec::new();
        for step in &self.steps {
            let name = format!("{}, {} bytes", step.mechanism.name, step.bytes);
            bar.set_message(name.clone());
            *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = format!("{name}: ");
            let record = self.one(children, step).context(name)?;
            out.as_mut().map_or(Ok(()), |out| bar.suspend(|| out.pairs(&record)))?;
            records.push(record);
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(records)
    }

    fn one(&self, children: &Children, step: &Step) -> anyhow::Result<Record> {
        let Step { mechanism, bytes, placement } = *step;
        let work = Work::new(bytes, mechanism.one_way, TRIAL, TRIAL);
        let trial = run(children, mechanism, placement, work)?;
        let round_trip = Duration::from_nanos(trial.latencies.value_at_quantile(0.5));
        let message = trial.one_way / u32::try_from(work.one_way.max(1))?;
        let round_trips = fitting(self.round_trips, round_trip).clamp(FEWEST, self.most);
        let work = Work::new(
            bytes,
            mechanism.one_way,
            round_trips,
            fitting(self.one_way, message).clamp(FEWEST, 10 * self.most),
        );
        Ok(Record::new(mechanism.name, placement, &work, &run(children, mechanism, placement, work)?))
    }
}

/// How many times `one` fits into `time`.
fn fitting(time: Duration, one: Duration) -> u64 {
    u64::try_from(time.as_nanos() / one.as_nanos().max(1)).unwrap_or(u64::MAX)
}

fn run(children: &Children, mechanism: &Mechanism, placement: Placement, work: Work) -> anyhow::Result<Seen> {
    let (ours, theirs) = placement.cpus.unzip();
    staying_on(ours, || {
        let (mut side, peer) = match (mechanism.meet)()? {
            Meeting::Process(side, stdin, stdout) => {
                (side, Peer::process(children, mechanism, theirs, work, (stdin, stdout))?)
            }
            Meeting::Thread(side, other) => (side, Peer::thread(other, theirs, work)?),
        };
        side.meet(peer.pid());
        let folder = peer.folder();
        let count = || Ok(Counters::of(Path::new("/proc/thread-self"))?.plus(Counters::of(&folder)?));
        let seen = work.ping(&mut *side, count);
        if seen.is_err() {
            children.end();
        }
        // After a failure the other side would wait for ever.
        drop(side);
        let seen = seen?;
        peer.finish()?;
        Ok(seen)
    })
}
