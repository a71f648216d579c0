//! 进程的切换和调度

use shared::harness::claims::{Check, Seen, joined, seen};
use shared::linux::at_once::deadline;

use crate::switching::{computed_on_one_cpu, on_one_cpu, on_two_cpus};

pub const CHECKS: &[Check] = &[(59, only_seemingly_at_once), (60, state_is_kept)];

fn only_seemingly_at_once() -> anyhow::Result<Seen> {
    let deadline = deadline();
    let (two, one) = (on_two_cpus(deadline)?, on_one_cpu(deadline)?);
    let each_takes_one = one.switches >= i64::try_from(one.handshakes)?;
    Ok(Seen::imprecise(each_takes_one, two.switches == 0, joined([&one, &two].map(seen), "; ")))
}

fn state_is_kept() -> anyhow::Result<Seen> {
    let computed = computed_on_one_cpu()?;
    let as_alone = computed.iter().all(|computed| computed.result == computed.result_without_switches);
    Ok(Seen::holds(as_alone, joined(computed.iter().map(seen), "; ")))
}
