//! What switching from process to process does, and does not: with one CPU two processes only seem to run
//! at one time, with two they do; and none notices in what it computes.
//!
//! Note: 进程的切换和调度. Go: none. Man: sched(7), sched_setaffinity(2), getrusage(2) at ru_nivcsw.

use std::ops::ControlFlow::{Break, Continue};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use serde::Serialize;
use shared::harness::report::Report;
use shared::harness::showing::Showing;
use shared::linux::at_once::{at_once, deadline, spin_until};
use shared::linux::child::Children;
use shared::linux::child::teller::Teller;
use shared::linux::cpu::{cpus, stay_on, two_cpus};
use shared::linux::memory::SharedMemory;
use shared::linux::usage::Usage;

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    let (mut showing, deadline) = (Showing::new(out), deadline());
    showing.record("one CPU", on_one_cpu(deadline))?;
    showing.record("two CPUs", on_two_cpus(deadline))?;
    showing.records("computing", computed_on_one_cpu())?;
    showing.finish()
}

/// How often two processes lost their CPUs while they shook hands.
#[derive(Serialize)]
pub struct Shaken {
    pub cpus: usize,
    pub handshakes: usize,
    pub switches: i64,
}

pub fn on_one_cpu(deadline: Instant) -> anyhow::Result<Shaken> {
    let (cpu, _) = cpus()?;
    let shaken = Shaken { cpus: 1, handshakes: 4, switches: 0 };
    shake_hands(shaken, [cpu; 2], deadline, |_| true)
}

/// Repeated where something else took a CPU from them.
pub fn on_two_cpus(deadline: Instant) -> anyhow::Result<Shaken> {
    let shaken = Shaken { cpus: 2, handshakes: 100, switches: 0 };
    shake_hands(shaken, two_cpus()?, deadline, |switches| switches == 0)
}

/// Two processes shake hands in memory: each waits, spinning, until it is its turn.
fn shake_hands(
    mut shaken: Shaken,
    cpus: [usize; 2],
    deadline: Instant,
    is_undisturbed: impl Fn(i64) -> bool,
) -> anyhow::Result<Shaken> {
    let (hands, handshakes) = (SharedMemory::new(AtomicUsize::new(0))?, shaken.handshakes);
    // ANCHOR: handshakes
    let shake = |me| {
        spin_until(deadline, || hands.load(SeqCst) % 2 == me)?;
        hands.fetch_add(1, SeqCst);
        anyhow::Ok(())
    };
    let meet = |me| (0..handshakes).try_for_each(|_| shake(me));
    at_once(cpus, deadline, meet, |switches| {
        shaken.switches = switches;
        if is_undisturbed(switches) { Break(()) } else { Continue(()) }
    })?;
    // ANCHOR_END: handshakes
    Ok(shaken)
}

/// How far a process got, with what result, and how often the CPU was taken from it.
#[derive(Serialize)]
pub struct Computed {
    pub steps: u64,
    pub result: u64,
    pub result_without_switches: u64,
    pub involuntary_switches: i64,
}

/// Two processes compute on one CPU, until both have lost it some times.
pub fn computed_on_one_cpu() -> anyhow::Result<[Computed; 2]> {
    const SOME: i64 = 3;
    let (children, lost) = (Children::helpers(), SharedMemory::new([const { AtomicI64::new(0) }; 2])?);
    let (cpu, _) = cpus()?;
    // ANCHOR: kept
    let compute = |me: usize| {
        stay_on(cpu)?;
        let (mut steps, mut result, mut involuntary) = (0, 0, 0);
        let before = Usage::now()?;
        while lost.iter().any(|lost| lost.load(SeqCst) < SOME) {
            result = (0..1000).fold(result, |number, _| step(number));
            steps += 1000;
            involuntary = (Usage::now()? - before).involuntary;
            lost[me].store(involuntary, SeqCst);
        }
        Ok((steps, result, involuntary))
    };
    // ANCHOR_END: kept
    let [one, other] = [0, 1].map(|me| Teller::fork(&children, || compute(me)));
    let (one, other) = (one?, other?);
    Ok([one.hear()?, other.hear()?].map(|(steps, result, involuntary_switches)| {
        let alone = (0..steps).fold(0, |number, _| step(number));
        Computed { steps, result, result_without_switches: alone, involuntary_switches }
    }))
}

/// Each depends on all before.
fn step(number: u64) -> u64 {
    number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}
