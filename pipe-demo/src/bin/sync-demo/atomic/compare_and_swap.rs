//! An atomic operation for which no CPU has an instruction: compute the new value, and put it there only if
//! the old one is there still; else all over again.
//!
//! Note: 关于同步 ("单一的汇编指令"). Go: `atomic.CompareAndSwapUint64`. Man: none.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use nix::sched::sched_yield;
use shared::harness::claims::{Check, Seen};

use shared::linux::child::{Children, wait_for};
use shared::linux::gate::Gate;
use shared::linux::memory::SharedMemory;

pub const CHECKS: &[Check] = &[(66, one_instruction)];

const FACTOR: u64 = 6_364_136_223_846_793_005;
const SUMMAND: u64 = 1_442_695_040_888_963_407;

/// What is done to the number.
pub fn step(number: u64) -> u64 {
    number.wrapping_mul(FACTOR).wrapping_add(SUMMAND)
}

/// What so many steps make of 0, in few: two of them are one with another factor and summand.
pub fn steps(mut count: u64) -> u64 {
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

#[derive(Default)]
struct Shared {
    number: AtomicU64,
    retries: AtomicU64,
}

impl Shared {
    // ANCHOR: step
    /// Others have the CPU between reading and writing, and may write.
    fn step(&self) {
        let mut old = self.number.load(SeqCst);
        loop {
            let _ = sched_yield();
            match self.number.compare_exchange(old, step(old), SeqCst, SeqCst) {
                Ok(_) => return,
                Err(newer) => old = newer,
            }
            self.retries.fetch_add(1, SeqCst);
        }
    }
    // ANCHOR_END: step
}

const PROCESSES: usize = 4;
const EACH: u64 = 100;

/// If one was through before the next began, they go on.
fn one_instruction() -> anyhow::Result<Seen> {
    let (shared, mut all) = (SharedMemory::new(Shared::default())?, 0);
    while shared.retries.load(SeqCst) == 0 && all < 100_000 {
        compete(&shared)?;
        all += PROCESSES as u64 * EACH;
    }
    let retries = shared.retries.load(SeqCst);
    let exact = shared.number.load(SeqCst) == steps(all);
    let lost = if exact { "none" } else { "some" };
    let evidence = format!("{all} multiplications by {PROCESSES} processes, {retries} tried again: {lost} lost");
    Ok(Seen::refuted(exact && retries > 0, evidence))
}

fn compete(shared: &Shared) -> anyhow::Result<()> {
    let (children, gate) = (Children::helpers(), Gate::new()?);
    let stepper = || gate.pass().map(|()| (0..EACH).for_each(|_| shared.step())).is_ok();
    let steppers =
        (0..PROCESSES).map(|_| children.fork(|| u8::from(!stepper()))).collect::<anyhow::Result<Vec<_>>>()?;
    gate.open(PROCESSES)?;
    steppers.into_iter().try_for_each(wait_for)
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
