//! R: on the CPU, or waiting for it. /proc does not tell which.
//!
//! Note: 进程的状态 ("可运行状态"). Go: `runtime.Gosched`. Man: sched(7), sched_setaffinity(2).

use std::hint;

use serde::Serialize;
use shared::linux::child::answer::{tell, telling, told};
use shared::linux::child::forked::Forked;
use shared::linux::cpu::{cpus, stay_on};
use shared::linux::proc;

use super::settled::settled;

pub fn busy() -> anyhow::Result<Forked> {
    settled(Forked::new(spin)?, 'R')
}

fn spin() -> anyhow::Result<()> {
    loop {
        hint::spin_loop();
    }
}

/// Two busy loops of which only one can be on the CPU.
#[derive(Serialize)]
pub struct TwoOnOneCpu {
    pub cpu: usize,
    /// The CPUs on which each may run.
    pub allowed: [String; 2],
    /// Of one, the other, and both again.
    pub states: String,
}

pub fn two_on_one_cpu() -> anyhow::Result<TwoOnOneCpu> {
    let (cpu, _) = cpus()?;
    let (one, other) = (busy_on(cpu)?, busy_on(cpu)?);
    let pids = [one.pid(), other.pid()];
    let [one, other] = pids.map(|pid| proc::status(pid, "Cpus_allowed_list"));
    let allowed = [one?, other?].map(Option::unwrap_or_default);
    let states = [pids, pids].concat().into_iter().map(|pid| Ok(proc::stat(pid)?.state));
    Ok(TwoOnOneCpu { cpu, allowed, states: states.collect::<anyhow::Result<_>>()? })
}

fn busy_on(cpu: usize) -> anyhow::Result<Forked> {
    let (child, answer) = telling(|teller| {
        stay_on(cpu)?;
        tell(teller, &[1])?;
        spin()
    })?;
    let [_] = told(&answer)?;
    settled(child, 'R')
}
