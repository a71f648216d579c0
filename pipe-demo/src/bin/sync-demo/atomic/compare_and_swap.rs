//! An atomic operation for which no CPU has an instruction: compute the new value, and put it there only if the old
//! one is still there; else all over again. The swap itself is one instruction of x86 (`lock cmpxchg`), and two or more
//! of a CPU that has only load-linked and store-conditional.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Instant;

use nix::sched::sched_yield;
use serde::Serialize;
use shared::linux::at_once::check;
use shared::linux::child::Children;
use shared::linux::memory::SharedMemory;

use crate::racers::Racers;

#[derive(Serialize)]
pub struct Multiplied {
    pub processes: u64,
    pub multiplications: u64,
    /// How often another had written meanwhile.
    pub retries: u64,
    /// The number is what one process alone would have made of it.
    pub as_alone: bool,
}

const PROCESSES: u64 = 4;
const EACH: u64 = 100;

/// Odd: each multiplication can be undone, so that one that is lost shows for ever.
const FACTOR: u64 = 3;

struct Product {
    number: AtomicU64,
    retries: AtomicU64,
}

/// Some processes multiply one number, until one of them had to try again.
pub fn multiply(deadline: Instant) -> anyhow::Result<Multiplied> {
    let product = SharedMemory::new(Product { number: AtomicU64::new(1), retries: AtomicU64::new(0) })?;
    let (mut multiplications, mut alone) = (0, 1_u64);
    while product.retries.load(SeqCst) == 0 {
        check(deadline)?;
        let work = || {
            (0..EACH).for_each(|_| product.multiply());
            Ok(())
        };
        Racers::at_the_gate(&Children::helpers(), PROCESSES, work)?.start()?;
        multiplications += PROCESSES * EACH;
        alone = (0..PROCESSES * EACH).fold(alone, |number, _| number.wrapping_mul(FACTOR));
    }
    let (retries, as_alone) = (product.retries.load(SeqCst), product.number.load(SeqCst) == alone);
    Ok(Multiplied { processes: PROCESSES, multiplications, retries, as_alone })
}

impl Product {
    // ANCHOR: multiply
    /// Others have the CPU between reading and writing, and may write.
    fn multiply(&self) {
        let mut old = self.number.load(SeqCst);
        loop {
            let _ = sched_yield();
            let new = old.wrapping_mul(FACTOR);
            match self.number.compare_exchange(old, new, SeqCst, SeqCst) {
                Ok(_) => return,
                Err(newer) => old = newer,
            }
            self.retries.fetch_add(1, SeqCst);
        }
    }
    // ANCHOR_END: multiply
}
