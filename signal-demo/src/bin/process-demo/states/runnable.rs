//! R: on the CPU, or waiting for it. /proc does not tell which.
//!
//! Note: 进程的状态 ("可运行状态"). Go: `runtime.Gosched`. Man: sched(7), sched_setaffinity(2).

use std::hint;
use std::io;

use anyhow::Context;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use shared::harness::claims::{Check, Seen};

use super::super::answer::{tell, telling, told};
use super::settled;
use crate::child::Child;
use crate::proc;

pub const CHECKS: &[Check] = &[(26, who_waits_for_the_cpu_is_r_too)];

pub fn busy() -> anyhow::Result<Child> {
    let child = Child::fork(spin)?;
    settled(child.pid(), 'R')?;
    Ok(child)
}

fn spin() -> anyhow::Result<()> {
    loop {
        hint::spin_loop();
    }
}

/// Of two that share a CPU only one can be on it.
fn who_waits_for_the_cpu_is_r_too() -> anyhow::Result<Seen> {
    let (number, cpu) = one_cpu()?;
    let (one, other) = (busy_on(&cpu)?, busy_on(&cpu)?);
    let pids = [one.pid(), other.pid()];
    let allowed = pids.map(|pid| proc::status(pid, "Cpus_allowed_list"));
    let allowed: Vec<_> = allowed.into_iter().filter_map(Result::transpose).collect::<anyhow::Result<_>>()?;
    let in_turn = [pids, pids].concat();
    let states = in_turn.into_iter().map(|pid| Ok(proc::stat(pid)?.state)).collect::<anyhow::Result<String>>()?;
    let evidence = format!("two busy loops, allowed on CPU {} only: {states} (in turn, twice)", allowed.join(" and "));
    Ok(Seen::holds(allowed == [number.to_string(), number.to_string()] && states == "RRRR", evidence))
}

fn busy_on(cpu: &CpuSet) -> anyhow::Result<Child> {
    let (child, answer) = telling(|teller| {
        pin(cpu)?;
        tell(teller, &[1])?;
        spin()
    })?;
    let [_] = told(&answer)?;
    settled(child.pid(), 'R')?;
    Ok(child)
}

/// One of those on which this process may run.
pub fn one_cpu() -> anyhow::Result<(usize, CpuSet)> {
    let ours = sched_getaffinity(Pid::from_raw(0)).map_err(io::Error::from).context("sched_getaffinity")?;
    let number = (0..CpuSet::count()).find(|&cpu| ours.is_set(cpu) == Ok(true)).context("no CPU to run on")?;
    let mut cpu = CpuSet::new();
    cpu.set(number).map_err(io::Error::from).context("a set of one CPU")?;
    Ok((number, cpu))
}

/// Has this process run there only, and the children to come.
pub fn pin(cpu: &CpuSet) -> anyhow::Result<()> {
    sched_setaffinity(Pid::from_raw(0), cpu).map_err(io::Error::from).context("sched_setaffinity")
}
