//! Where the two sides run: it changes the order of the table.
//!
//! Man: sched_setaffinity(2), cpuset(7).

use std::fs;
use std::io;

use anyhow::Context;
use clap::ValueEnum;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::harness::report::Failure;

/// What `--pin` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Pin {
    /// Both on one CPU: never at work at the same time
    Same,
    /// Each on a CPU of its own, of two cores where there are two
    Cross,
    /// Where the scheduler puts them
    None,
}

/// A CPU for each side, or none in particular.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    pub(super) pin: Pin,
    pub(super) cpus: Option<(usize, usize)>,
}

/// Those that were asked for, or all that this machine has.
pub(super) fn placements(pins: &[Pin]) -> anyhow::Result<Vec<Placement>> {
    let (first, second) = cpus()?;
    let placement = |pin| {
        let cpus = match pin {
            Pin::Same => Some((first, first)),
            Pin::Cross => Some((first, second?)),
            Pin::None => None,
        };
        Some(Placement { pin, cpus })
    };
    if pins.is_empty() {
        return Ok([Pin::Same, Pin::Cross, Pin::None].into_iter().filter_map(placement).collect());
    }
    let asked = pins.iter().map(|&pin| placement(pin).context(Failure::CannotShow("there is only one CPU".into())));
    asked.collect()
}

/// A CPU that this process may use, and another where there is one: of another core, if possible.
pub fn cpus() -> anyhow::Result<(usize, Option<usize>)> {
    let allowed = allowed()?;
    let first = *allowed.first().context("sched_getaffinity: no CPU")?;
    let second = allowed.iter().copied().find(|&cpu| cpu != first && !are_siblings(first, cpu));
    Ok((first, second.or(allowed.get(1).copied())))
}

/// Two CPUs that this process may use.
pub fn two_cpus() -> anyhow::Result<[usize; 2]> {
    let (first, second) = cpus()?;
    Ok([first, second.context(Failure::CannotShow("there is only one CPU".into()))?])
}

/// Whether both are threads of one core.
fn are_siblings(one: usize, other: usize) -> bool {
    let core = |cpu: usize| {
        let siblings = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        fs::read_to_string(siblings).ok()
    };
    core(one).is_some_and(|siblings| core(other) == Some(siblings))
}

fn allowed() -> anyhow::Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0)).map_err(io::Error::from).context("sched_getaffinity")?;
    Ok((0..CpuSet::count()).filter(|&cpu| set.is_set(cpu) == Ok(true)).collect())
}

/// Puts this thread on one CPU.
pub fn stay_on(cpu: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &set).map_err(io::Error::from).context("sched_setaffinity")
}

/// Does `work` on one CPU, and gives this thread its old ones back.
pub fn staying_on<T>(cpu: Option<usize>, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let this = Pid::from_raw(0);
    let before = sched_getaffinity(this).map_err(io::Error::from).context("sched_getaffinity")?;
    cpu.map_or(Ok(()), stay_on)?;
    let result = work();
    sched_setaffinity(this, &before).map_err(io::Error::from).context("sched_setaffinity")?;
    result
}
