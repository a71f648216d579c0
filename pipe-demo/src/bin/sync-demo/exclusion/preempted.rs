//! Inside a critical section a process may lose the CPU like anywhere else; the others stay outside.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Instant;

use nix::sched::sched_yield;
use serde::Serialize;
use shared::linux::at_once::{check, deadline};
use shared::linux::child::Children;
use shared::linux::child::teller::Teller;
use shared::linux::cpu::{cpus, staying_on};
use shared::linux::memory::SharedMemory;
use shared::linux::sleeper::Task;
use shared::linux::usage::Usage;

use crate::mutex::ProcessMutex;

/// What became of a critical section whose holder lost the CPU.
#[derive(Serialize)]
pub struct Preempted {
    /// How often the CPU was taken from the holder inside.
    pub switches_inside: i64,
    pub other_waits: bool,
    pub other_got_in: bool,
    pub other_got_in_later: bool,
}

#[derive(Default)]
struct Events {
    holder_is_inside: AtomicBool,
    other_waits: AtomicBool,
    other_was_inside: AtomicBool,
    holder_has_left: AtomicBool,
}

/// The CPU that all have to share goes to a third process too, which never sleeps.
pub fn preempted() -> anyhow::Result<Preempted> {
    staying_on(Some(cpus()?.0), || {
        let (children, deadline) = (Children::helpers(), deadline());
        let (mutex, events) = (ProcessMutex::shared()?, SharedMemory::new(Events::default())?);
        let holder = Teller::fork(&children, || {
            let mut stayed = Ok((0, false));
            mutex.exclusively(|| stayed = events.stay_until_preempted(deadline))?;
            stayed
        })?;
        let other = Teller::fork(&children, || {
            await_event(&events.holder_is_inside, deadline)?;
            mutex.exclusively(|| events.other_was_inside.store(true, SeqCst))
        })?;
        let third = Teller::fork(&children, || await_event(&events.holder_has_left, deadline))?;
        let other_waits = Task::process(other.pid)?.sleeps()?;
        events.other_waits.store(true, SeqCst);
        let (switches_inside, other_got_in) = holder.hear()?;
        [other, third].into_iter().try_for_each(Teller::hear)?;
        let other_got_in_later = !other_got_in && events.other_was_inside.load(SeqCst);
        Ok(Preempted { switches_inside, other_waits, other_got_in, other_got_in_later })
    })
}

impl Events {
    /// How often the holder has lost the CPU inside, and whether the other got in meanwhile.
    fn stay_until_preempted(&self, deadline: Instant) -> anyhow::Result<(i64, bool)> {
        const SOME: i64 = 3;
        // ANCHOR: inside
        self.holder_is_inside.store(true, SeqCst);
        await_event(&self.other_waits, deadline)?;
        let before = Usage::now()?;
        let mut switches = 0;
        while switches < SOME {
            check(deadline)?;
            switches = (Usage::now()? - before).involuntary;
        }
        let got_in = self.other_was_inside.load(SeqCst);
        // ANCHOR_END: inside
        self.holder_has_left.store(true, SeqCst);
        Ok((switches, got_in))
    }
}

/// Of another process, which needs this CPU for it.
fn await_event(event: &AtomicBool, deadline: Instant) -> anyhow::Result<()> {
    while !event.load(SeqCst) {
        check(deadline)?;
        let _ = sched_yield();
    }
    Ok(())
}
