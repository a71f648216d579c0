//! Inside a critical section a process may lose the CPU like anywhere else; the others stay outside.
//!
//! Note: 关于同步 ("临界区对是否可以被中断没有强制的规定"). Go: `sync.Mutex`. Man: getrusage(2) at ru_nivcsw.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use shared::harness::claims::{Check, Seen};
use shared::linux::cpu::{cpus, stay_on};

use super::mutex::ProcessMutex;
use shared::linux::child::teller::Teller;
use shared::linux::child::{Children, wait_for};
use shared::linux::memory::SharedMemory;
use shared::linux::usage::Usage;

pub const CHECKS: &[Check] = &[(71, interrupted_inside)];

#[derive(Default)]
struct Seats {
    first_is_inside: AtomicBool,
    second_is_at_the_door: AtomicBool,
    second_was_inside: AtomicBool,
    first_has_left: AtomicBool,
}

/// How often the first has lost the CPU inside, and whether the second got in meanwhile.
type Visit = (i64, bool);

/// The CPU that all have to share goes to a third one too, which never waits.
fn interrupted_inside() -> anyhow::Result<Seen> {
    let (children, mutex, seats) = (Children::helpers(), ProcessMutex::shared()?, SharedMemory::new(Seats::default())?);
    stay_on(cpus()?.0)?;
    let first = Teller::fork(&children, || {
        let mut visit = Ok((0, false));
        mutex.exclusively(|| visit = seats.stay_until_interrupted())?;
        visit
    })?;
    let second = children.fork(|| {
        spin_until(&seats.first_is_inside);
        seats.second_is_at_the_door.store(true, SeqCst);
        u8::from(mutex.exclusively(|| seats.second_was_inside.store(true, SeqCst)).is_err())
    })?;
    let third = children.fork(|| {
        spin_until(&seats.first_has_left);
        0
    })?;
    let (interruptions, got_in) = first.hear()?;
    [second, third].into_iter().try_for_each(wait_for)?;
    let later = seats.second_was_inside.load(SeqCst);
    let got = |inside| if inside { "inside" } else { "outside" };
    let evidence = format!(
        "the holder lost the CPU {interruptions} times inside; another at the door was {} meanwhile, {} later",
        got(got_in),
        got(later),
    );
    Ok(Seen::holds(interruptions > 0 && !got_in && later, evidence))
}

impl Seats {
    fn stay_until_interrupted(&self) -> anyhow::Result<Visit> {
        self.first_is_inside.store(true, SeqCst);
        spin_until(&self.second_is_at_the_door);
        let before = Usage::now()?;
        let mut interruptions = 0;
        while interruptions < 3 {
            interruptions = (Usage::now()? - before).involuntary;
        }
        let got_in = self.second_was_inside.load(SeqCst);
        self.first_has_left.store(true, SeqCst);
        Ok((interruptions, got_in))
    }
}

fn spin_until(event: &AtomicBool) {
    while !event.load(SeqCst) {
        spin_loop();
    }
}
