//! What atomic operations are good for: one word each, and cheaply so. Two of them are not one.
//!
//! Note: 关于同步 ("绝对的并发安全"). Go: `sync/atomic`, `sync.Mutex`. Man: pthread_mutex_lock(3).

use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};

use nix::sched::sched_yield;
use shared::harness::claims::{Check, Seen};

use crate::mutex::ProcessMutex;
use shared::linux::child::{Children, wait_for};
use shared::linux::gate::Gate;
use shared::linux::memory::SharedMemory;
use shared::linux::usage::Usage;

pub const CHECKS: &[Check] = &[(67, safe_and_fast)];

fn safe_and_fast() -> anyhow::Result<Seen> {
    let (all, counted) = add_together()?;
    let (atomic, mutex) = costs()?;
    let (looks_at_words, looks_at_mutex) = (wrong_sums(false)?, wrong_sums(true)?);
    let evidence = format!(
        "{} of {all} additions lost; {TIMES} alone: {atomic} us of CPU, by mutex {mutex}; \
         wrong sums of two words: {looks_at_words}, by mutex {looks_at_mutex}",
        all - counted,
    );
    Ok(Seen::imprecise(counted == all && atomic < mutex, looks_at_words > 0 && looks_at_mutex == 0, evidence))
}

const TIMES: u64 = 50_000;

/// Two processes at one number.
fn add_together() -> anyhow::Result<(u64, u64)> {
    let (children, gate, number) = (Children::helpers(), Gate::new()?, SharedMemory::new(AtomicU64::new(0))?);
    let add = || {
        for _ in 0..TIMES {
            number.fetch_add(1, SeqCst);
        }
    };
    let adders = [(); 2].map(|()| children.fork(|| u8::from(gate.pass().map(|()| add()).is_err())));
    gate.open(adders.len())?;
    let all = TIMES * adders.len() as u64;
    adders.into_iter().try_for_each(|adder| wait_for(adder?))?;
    Ok((all, number.load(SeqCst)))
}

/// The CPU time of each, nobody else there: the least of some, as what is to blame on others only adds to it.
fn costs() -> anyhow::Result<(i64, i64)> {
    let (mutex, number) = (ProcessMutex::shared()?, AtomicU64::new(0));
    let (mut atomic, mut locked) = (i64::MAX, i64::MAX);
    for _ in 0..5 {
        atomic = atomic.min(cost(|| {
            number.fetch_add(1, SeqCst);
            Ok(())
        })?);
        locked = locked.min(cost(|| mutex.exclusively(|| number.store(number.load(Relaxed) + 1, Relaxed)))?);
    }
    Ok((atomic, locked))
}

fn cost(mut add: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<i64> {
    let before = Usage::now()?;
    (0..TIMES).try_for_each(|_| add())?;
    Ok((Usage::now()? - before).cpu())
}

/// What is taken from one word is added to the other: the sum should be the same always.
struct Accounts {
    words: SharedMemory<[AtomicU64; 2]>,
    mutex: Option<SharedMemory<ProcessMutex>>,
    is_over: SharedMemory<AtomicBool>,
}

const SUM: u64 = 100;

/// A child moves one to and fro, we look: until the sum was wrong once; by mutex some times.
fn wrong_sums(by_mutex: bool) -> anyhow::Result<u64> {
    let mutex = by_mutex.then(ProcessMutex::shared).transpose()?;
    let words = SharedMemory::new([AtomicU64::new(SUM), AtomicU64::new(0)])?;
    let accounts = Accounts { words, mutex, is_over: SharedMemory::new(AtomicBool::new(false))? };
    let mover = Children::helpers();
    let child = mover.fork(|| u8::from(accounts.move_to_and_fro().is_err()))?;
    let (mut looks, mut wrong) = (0, 0);
    while if by_mutex { looks < 200 } else { wrong == 0 } {
        let mut sum = 0;
        accounts.exclusively(|| sum = accounts.words.iter().map(|word| word.load(SeqCst)).sum())?;
        looks += 1;
        wrong += u64::from(sum != SUM);
        let _ = sched_yield();
    }
    accounts.is_over.store(true, SeqCst);
    wait_for(child)?;
    Ok(wrong)
}

impl Accounts {
    fn exclusively(&self, work: impl FnOnce()) -> anyhow::Result<()> {
        if let Some(mutex) = &self.mutex {
            return mutex.exclusively(work);
        }
        work();
        Ok(())
    }

    fn move_to_and_fro(&self) -> anyhow::Result<()> {
        let [one, other] = &*self.words;
        let mut ways = [(one, other), (other, one)].into_iter().cycle();
        while !self.is_over.load(SeqCst) {
            let Some((from, to)) = ways.next() else { break };
            self.exclusively(|| {
                from.fetch_sub(1, SeqCst);
                let _ = sched_yield();
                to.fetch_add(1, SeqCst);
            })?;
            // Whoever waits for the mutex is not to wait for ever.
            let _ = sched_yield();
        }
        Ok(())
    }
}
