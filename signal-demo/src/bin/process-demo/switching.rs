//! What switching from process to process does, and does not: with one CPU two processes only seem to run
//! at one time, with two they do; and none notices in what it computes.
//!
//! Note: 进程的切换和调度. Go: none. Man: sched(7), getrusage(2) at ru_nivcsw.

use std::hint::spin_loop;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst};

use serde::{Deserialize, Serialize};
use shared::harness::claims::{Check, Seen};
use shared::linux::cpu::{cpus, stay_on, two_cpus};

use super::child::Teller;
use crate::sync::at_once::at_once;
use crate::sync::retry::{step, steps};
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
    let hands = SharedMemory::new(AtomicUsize::new(0))?;
    let shake = |me| {
        for _ in 0..handshakes {
            while hands.load(SeqCst) % 2 != me {
                spin_loop();
            }
            hands.fetch_add(1, SeqCst);
        }
    };
    let mut took = 0;
    at_once(cpus, shake, |switches| {
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
