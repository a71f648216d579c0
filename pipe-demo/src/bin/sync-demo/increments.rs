//! Updates that are lost although nothing interrupted anybody: two CPUs add to one number, each time by one
//! instruction. On one CPU it is the other way round: many interruptions, and nothing is lost.
//!
//! Note: 关于同步 ("根本原因在于…被中断了", "不能被中断的操作称为原子操作"). Go: `sync/atomic`.
//! Man: getrusage(2) at ru_nivcsw; `lock` is a prefix of x86's instructions.

#[cfg(target_arch = "x86_64")]
use std::arch::asm;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use serde::Serialize;
use shared::harness::claims::{Check, Seen};
use shared::linux::cpu::two_cpus;

use shared::linux::at_once::at_once;
use shared::linux::failure::Failure;
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
    is_known()?;
    let Counted { switches, increments, lost } = undisturbed(increment, |counted| counted.lost > 0)?;
    let evidence = format!("inc on two CPUs, {switches} switches: {lost} of {increments} lost");
    Ok(Seen::refuted(switches == 0 && lost > 0, evidence))
}

fn uninterruptible_is_atomic() -> anyhow::Result<Seen> {
    const ENOUGH: u64 = 400_000;
    is_known()?;
    let [one, _] = two_cpus()?;
    let alone = count([one; 2], increment, 5_000_000, |_| true, |counted| counted.switches >= 10)?;
    let plain = undisturbed(increment, |counted| counted.lost > 0)?;
    let locked = undisturbed(increment_locked, |counted| counted.increments >= ENOUGH)?;
    let figures = |Counted { increments, lost, .. }| format!("{lost} of {increments} lost");
    let switches = alone.switches;
    let counterexample = alone.lost == 0 && plain.lost > 0 && locked.lost == 0;
    let [alone, plain, locked] = [alone, plain, locked].map(figures);
    let evidence =
        format!("inc on one CPU, {switches} switches: {alone}; on two, no switch: {plain}; lock inc: {locked}");
    Ok(Seen::refuted(counterexample, evidence))
}

fn is_known() -> anyhow::Result<()> {
    if cfg!(target_arch = "x86_64") {
        return Ok(());
    }
    Err(Failure::CannotShow("the experiment is written for x86-64".into()).into())
}

// ANCHOR: increment
/// Adds one `times` times, each time by one instruction: no interrupt can come in its middle.
fn increment(number: &AtomicU64, times: u64) {
    // SAFETY: the word is ours and aligned. That others write it meanwhile is the experiment; Rust knows
    // nothing of what happens here.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "Rust promises no instruction for a plain addition")]
    unsafe {
        asm!("2: inc qword ptr [{0}]", "dec {1}", "jnz 2b",
             in(reg) number.as_ptr(), inout(reg) times.max(1) => _, options(nostack));
    }
}
// ANCHOR_END: increment

/// The same, by one instruction that also keeps other CPUs out.
fn increment_locked(number: &AtomicU64, times: u64) {
    // SAFETY: as above.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "the same but for one word")]
    unsafe {
        asm!("2: lock inc qword ptr [{0}]", "dec {1}", "jnz 2b",
             in(reg) number.as_ptr(), inout(reg) times.max(1) => _, options(nostack));
    }
}
