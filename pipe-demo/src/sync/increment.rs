//! Updates that are lost although nothing interrupted anybody: two CPUs add to one number, each time by one
//! instruction. On one CPU it is the other way round: many interruptions, and nothing is lost.
//!
//! Note: 关于同步 ("根本原因在于…被中断了", "不能被中断的操作称为原子操作"). Go: `sync/atomic`.
//! Man: getrusage(2) at ru_nivcsw; `lock` is a prefix of x86's instructions.

use std::ops::ControlFlow::{Break, Continue};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use serde::Serialize;
use shared::harness::claims::{Check, Seen};
use shared::linux::cpu::two_cpus;

use super::at_once::at_once;
use crate::process::cpu;
use shared::linux::memory::SharedMemory;

pub const CHECKS: &[Check] = &[(63, interruption_is_the_root), (64, uninterruptible_is_atomic)];

/// One instruction, so often.
type Increment = fn(&AtomicU64, u64);

#[derive(Default, Serialize)]
struct Counted {
    switches: i64,
    increments: u64,
    lost: u64,
}

/// Adds up rounds, until `seen`.
fn count(
    cpus: [usize; 2],
    increment: Increment,
    times: u64,
    counts: impl Fn(i64) -> bool,
    seen: impl Fn(&Counted) -> bool,
) -> anyhow::Result<Counted> {
    let number = SharedMemory::new(AtomicU64::new(0))?;
    let mut counted = Counted::default();
    at_once(
        cpus,
        |_| increment(&number, times),
        |switches| {
            let sum = number.swap(0, SeqCst);
            if counts(switches) {
                counted.switches += switches;
                counted.increments += 2 * times;
                counted.lost += (2 * times).saturating_sub(sum);
            }
            if seen(&counted) { Break(()) } else { Continue(()) }
        },
    )?;
    Ok(counted)
}

/// Two CPUs, only rounds in which nobody lost his.
fn undisturbed(increment: Increment, seen: impl Fn(&Counted) -> bool) -> anyhow::Result<Counted> {
    count(two_cpus()?, increment, 10_000, |switches| switches == 0, seen)
}

fn interruption_is_the_root() -> anyhow::Result<Seen> {
    cpu::is_known()?;
    let Counted { switches, increments, lost } = undisturbed(cpu::increment, |counted| counted.lost > 0)?;
    let evidence = format!("inc on two CPUs, {switches} switches: {lost} of {increments} lost");
    Ok(Seen::refuted(switches == 0 && lost > 0, evidence))
}

fn uninterruptible_is_atomic() -> anyhow::Result<Seen> {
    const ENOUGH: u64 = 400_000;
    cpu::is_known()?;
    let [one, _] = two_cpus()?;
    let alone = count([one; 2], cpu::increment, 5_000_000, |_| true, |counted| counted.switches >= 10)?;
    let plain = undisturbed(cpu::increment, |counted| counted.lost > 0)?;
    let locked = undisturbed(cpu::increment_locked, |counted| counted.increments >= ENOUGH)?;
    let figures = |Counted { increments, lost, .. }| format!("{lost} of {increments} lost");
    let switches = alone.switches;
    let counterexample = alone.lost == 0 && plain.lost > 0 && locked.lost == 0;
    let [alone, plain, locked] = [alone, plain, locked].map(figures);
    let evidence =
        format!("inc on one CPU, {switches} switches: {alone}; on two, no switch: {plain}; lock inc: {locked}");
    Ok(Seen::refuted(counterexample, evidence))
}
