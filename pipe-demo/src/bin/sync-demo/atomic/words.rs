//! What atomic operations are good for: one word each, and cheaply so. Two of them together are not one.

use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::time::Instant;

use nix::sched::sched_yield;
use serde::Serialize;
use shared::linux::at_once::check;
use shared::linux::child::Children;
use shared::linux::child::teller::Teller;
use shared::linux::memory::SharedMemory;
use shared::linux::usage::Usage;

use crate::mutex::ProcessMutex;

/// What an addition costs one process, with nobody else there.
#[derive(Serialize)]
pub struct Cost {
    pub updates: u64,
    pub atomic_us: i64,
    pub mutex_us: i64,
}

/// What is taken from one word is added to another, and somebody looks at both.
#[derive(Serialize)]
pub struct Moved {
    pub mutex: bool,
    pub looks: u64,
    pub wrong_sums: u64,
}

const TIMES: u64 = 50_000;

/// CPU time: the least of some tries, as what others are to blame for only adds to it.
pub fn cost() -> anyhow::Result<Cost> {
    let (mutex, number) = (ProcessMutex::shared()?, AtomicU64::new(0));
    let mut cost = Cost { updates: TIMES, atomic_us: i64::MAX, mutex_us: i64::MAX };
    for _ in 0..5 {
        let atomic = cost_of(|| {
            number.fetch_add(1, SeqCst);
            Ok(())
        })?;
        let locked = cost_of(|| mutex.exclusively(|| number.store(number.load(Relaxed) + 1, Relaxed)))?;
        (cost.atomic_us, cost.mutex_us) = (cost.atomic_us.min(atomic), cost.mutex_us.min(locked));
    }
    Ok(cost)
}

fn cost_of(mut add: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<i64> {
    let before = Usage::now()?;
    (0..TIMES).try_for_each(|_| add())?;
    Ok((Usage::now()? - before).cpu())
}

/// What is taken from one word is added to the other: the sum should always be the same.
struct Accounts {
    words: [AtomicU64; 2],
    is_over: AtomicBool,
}

const SUM: u64 = 100;

/// A child moves one to and fro, and we look: without the mutex until a sum was wrong, with it some times.
pub fn move_to_and_fro(with_mutex: bool, deadline: Instant) -> anyhow::Result<Moved> {
    const SOME: u64 = 200;
    let mutex = with_mutex.then(ProcessMutex::shared).transpose()?;
    let words = [AtomicU64::new(SUM), AtomicU64::new(0)];
    let accounts = SharedMemory::new(Accounts { words, is_over: AtomicBool::new(false) })?;
    let exclusively = |work: &mut dyn FnMut()| {
        if let Some(mutex) = &mutex {
            return mutex.exclusively(work);
        }
        work();
        Ok(())
    };
    let children = Children::helpers();
    let child = Teller::fork(&children, || {
        while !accounts.is_over.load(SeqCst) {
            for way in [[0, 1], [1, 0]] {
                exclusively(&mut || accounts.move_one(way))?;
                let _ = sched_yield(); // Whoever waits for the mutex is not to wait for ever.
            }
        }
        Ok(())
    })?;
    let mut moved = Moved { mutex: with_mutex, looks: 0, wrong_sums: 0 };
    while if with_mutex { moved.looks < SOME } else { moved.wrong_sums == 0 } {
        check(deadline)?;
        let mut sum = 0;
        exclusively(&mut || sum = accounts.sum())?;
        moved.looks += 1;
        moved.wrong_sums += u64::from(sum != SUM);
        let _ = sched_yield();
    }
    accounts.is_over.store(true, SeqCst);
    child.hear()?;
    Ok(moved)
}

impl Accounts {
    // ANCHOR: words
    /// Two atomic operations; in between the others get the CPU.
    fn move_one(&self, [from, to]: [usize; 2]) {
        self.words[from].fetch_sub(1, SeqCst);
        let _ = sched_yield();
        self.words[to].fetch_add(1, SeqCst);
    }

    fn sum(&self) -> u64 {
        self.words.iter().map(|word| word.load(SeqCst)).sum()
    }
    // ANCHOR_END: words
}
