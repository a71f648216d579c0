//! What switching from process to process does, and does not: with one CPU two processes only seem to run
//! at one time, with two they do; and none notices in what it computes.
//!
//! Note: 进程的切换和调度. Go: none. Man: sched(7), getrusage(2) at ru_nivcsw.

use std::ops::ControlFlow::{Break, Continue};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst};

use serde::{Deserialize, Serialize};
use shared::harness::claims::{Check, Seen};
use shared::linux::cpu::{cpus, stay_on, two_cpus};

use super::child::Teller;
use shared::linux::at_once::{at_once, deadline, spin_until};
use shared::linux::child::Children;
use shared::linux::memory::SharedMemory;
use shared::linux::usage::Usage;

pub const CHECKS: &[Check] = &[(59, only_seemingly_at_once), (60, state_is_kept)];

fn only_seemingly_at_once() -> anyhow::Result<Seen> {
    const FEW: usize = 4;
    const MANY: usize = 100;
    let [one, other] = two_cpus()?;
    let on_one = switches_of([one; 2], FEW, |_| true)?;
    let on_two = switches_of([one, other], MANY, |switches| switches == 0)?;
    let evidence = format!("one CPU: {FEW} handshakes took {on_one} switches; two CPUs: {MANY} took {on_two}");
    Ok(Seen::imprecise(on_one >= i64::try_from(FEW)?, on_two == 0, evidence))
}

// ANCHOR: handshakes
/// Lets two processes shake hands in memory so often, until it took as many switches as `wanted`.
fn switches_of(cpus: [usize; 2], handshakes: usize, wanted: impl Fn(i64) -> bool) -> anyhow::Result<i64> {
    let (deadline, hands) = (deadline(), SharedMemory::new(AtomicUsize::new(0))?);
    let shake = |me| {
        for _ in 0..handshakes {
            spin_until(deadline, || hands.load(SeqCst) % 2 == me)?;
            hands.fetch_add(1, SeqCst);
        }
        Ok(())
    };
    let mut took = 0;
    at_once(cpus, deadline, shake, |switches| {
        took = switches;
        if wanted(switches) { Break(()) } else { Continue(()) }
    })?;
    Ok(took)
}
// ANCHOR_END: handshakes

/// How far a process got, with what result, and how often the CPU was taken from it.
#[derive(Serialize, Deserialize)]
struct Computed {
    steps: u64,
    number: u64,
    involuntary: i64,
}

// ANCHOR: kept
/// Two processes compute on one CPU, until both have lost it some times.
fn state_is_kept() -> anyhow::Result<Seen> {
    const SOME: i64 = 3;
    let (children, lost) = (Children::helpers(), SharedMemory::new([const { AtomicI64::new(0) }; 2])?);
    stay_on(cpus()?.0)?;
    let compute = |me: usize| {
        let mut computed = Computed { steps: 0, number: 0, involuntary: 0 };
        let before = Usage::now()?;
        while lost.iter().any(|lost| lost.load(SeqCst) < SOME) {
            computed.number = (0..1000).fold(computed.number, |number, _| step(number));
            computed.steps += 1000;
            computed.involuntary = (Usage::now()? - before).involuntary;
            lost[me].store(computed.involuntary, SeqCst);
        }
        Ok(computed)
    };
    let [one, other] = [0, 1].map(|me| Teller::fork(&children, || compute(me)));
    let both = [one?.hear()?, other?.hear()?];
    let as_alone = both.iter().all(|computed| computed.number == steps(computed.steps));
    let [one, other] = both.map(|Computed { steps, involuntary, .. }| format!("{involuntary} times in {steps} steps"));
    let result = if as_alone { "as" } else { "not as" };
    Ok(Seen::holds(as_alone, format!("the CPU was taken {one}, {other}; the results are {result} without")))
}
// ANCHOR_END: kept

const FACTOR: u64 = 6_364_136_223_846_793_005;
const SUMMAND: u64 = 1_442_695_040_888_963_407;

/// What is done to the number.
fn step(number: u64) -> u64 {
    number.wrapping_mul(FACTOR).wrapping_add(SUMMAND)
}

/// What so many steps make of 0, in few: two of them are one with another factor and summand.
fn steps(mut count: u64) -> u64 {
    let (mut factor, mut summand, mut number) = (FACTOR, SUMMAND, 0_u64);
    while count > 0 {
        if count % 2 == 1 {
            number = number.wrapping_mul(factor).wrapping_add(summand);
        }
        summand = summand.wrapping_mul(factor).wrapping_add(summand);
        factor = factor.wrapping_mul(factor);
        count /= 2;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_steps_are_as_one_by_one() {
        for count in [0, 1, 2, 3, 1000] {
            assert_eq!(steps(count), (0..count).fold(0, |number, _| step(number)));
        }
    }
}
