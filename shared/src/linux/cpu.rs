//! Which CPUs this process may use, and how a thread stays on one.
//!
//! Man: sched_setaffinity(2), cpuset(7).

use std::fs;

use anyhow::Context;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::linux::failure::Failure;

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
    let set = sched_getaffinity(Pid::from_raw(0)).context("sched_getaffinity")?;
    Ok((0..CpuSet::count()).filter(|&cpu| set.is_set(cpu) == Ok(true)).collect())
}

/// Puts this thread on one CPU.
pub fn stay_on(cpu: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &set).context("sched_setaffinity")
}

/// Does `work` on one CPU, and gives this thread its old ones back.
pub fn staying_on<T>(cpu: Option<usize>, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let this = Pid::from_raw(0);
    let before = sched_getaffinity(this).context("sched_getaffinity")?;
    cpu.map_or(Ok(()), stay_on)?;
    let result = work();
    sched_setaffinity(this, &before).context("sched_setaffinity")?;
    result
}
