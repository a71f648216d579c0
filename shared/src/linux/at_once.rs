//! Two processes that do something at the same time, round after round, until what can happen has happened.
//!
//! On two CPUs they wait for each other by spinning: whoever gave the CPU away would be late. The kernel counts
//! how often each of them lost its CPU in a round; where neither did, nothing interrupted them.
//!
//! Note: 关于同步. Go: `testing.B.RunParallel`. Man: sched_setaffinity(2), getrusage(2) at ru_nivcsw.

use std::hint::spin_loop;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use anyhow::ensure;
use nix::sched::sched_yield;

use crate::linux::child::Children;
use crate::linux::child::teller::Teller;
use crate::linux::cpu::{stay_on, staying_on};
use crate::linux::failure::Failure;
use crate::linux::memory::SharedMemory;
use crate::linux::usage::Usage;

/// All parts of an experiment together get this long: less than a check of `claims` has.
const PATIENCE: Duration = Duration::from_secs(10);

/// By when an experiment that begins now has seen what it waits for, or is given up.
pub fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

/// Fails from `deadline` on: a busy machine did not give the experiment enough time.
pub fn check(deadline: Instant) -> anyhow::Result<()> {
    let late = || Failure::CannotShow(format!("it did not happen within {PATIENCE:?}, this machine may be too busy"));
    ensure!(Instant::now() < deadline, late());
    Ok(())
}

/// Waits for an event that comes at any moment, on another CPU.
pub fn spin_until(deadline: Instant, event: impl Fn() -> bool) -> anyhow::Result<()> {
    const LOOKS: usize = 1000;
    loop {
        for _ in 0..LOOKS {
            if event() {
                return Ok(());
            }
            spin_loop();
        }
        check(deadline)?;
    }
}

/// Where the two are; both are in one round or before it.
struct Rounds {
    deadline: Instant,
    share_a_cpu: bool,
    /// The first has begun this round.
    begun: AtomicU32,
    /// The second has, too.
    joined: AtomicU32,
    /// The second has done its work in this round.
    done: AtomicU32,
    /// How often the second lost its CPU meanwhile.
    switches: AtomicI64,
    /// There are no more rounds.
    is_over: AtomicBool,
}

/// The two processes, 0 and 1, do `work` at the same time. After each round `judge` hears how often they have lost
/// their CPUs, and says whether it has seen enough.
pub fn at_once(
    cpus: [usize; 2],
    deadline: Instant,
    work: impl Fn(usize) -> anyhow::Result<()>,
    judge: impl FnMut(i64) -> ControlFlow<()>,
) -> anyhow::Result<()> {
    let [begun, joined, done] = [const { AtomicU32::new(0) }; 3];
    let (switches, is_over, share_a_cpu) = (AtomicI64::new(0), AtomicBool::new(false), cpus[0] == cpus[1]);
    let rounds = SharedMemory::new(Rounds { deadline, share_a_cpu, begun, joined, done, switches, is_over })?;
    let children = Children::helpers();
    let second = Teller::fork(&children, || rounds.ending(|| stay_on(cpus[1]).and_then(|()| rounds.follow(&work))))?;
    let led = rounds.ending(|| staying_on(Some(cpus[0]), || rounds.lead(&work, judge)));
    // What the second failed for is why the first waited in vain.
    second.hear().and(led)
}

impl Rounds {
    /// The first process.
    fn lead(
        &self,
        work: impl Fn(usize) -> anyhow::Result<()>,
        mut judge: impl FnMut(i64) -> ControlFlow<()>,
    ) -> anyhow::Result<()> {
        for round in 1.. {
            self.begun.store(round, SeqCst);
            if !self.wait(|| self.joined.load(SeqCst) == round)? {
                break;
            }
            let before = Usage::now()?;
            work(0)?;
            let switches = (Usage::now()? - before).switches();
            if !self.wait(|| self.done.load(SeqCst) == round)?
                || judge(switches + self.switches.load(SeqCst)).is_break()
            {
                break;
            }
            check(self.deadline)?;
        }
        Ok(())
    }

    /// The second process.
    fn follow(&self, work: impl Fn(usize) -> anyhow::Result<()>) -> anyhow::Result<()> {
        for round in 1.. {
            if !self.wait(|| self.begun.load(SeqCst) == round)? {
                break;
            }
            let before = Usage::now()?;
            self.joined.store(round, SeqCst);
            work(1)?;
            self.switches.store((Usage::now()? - before).switches(), SeqCst);
            self.done.store(round, SeqCst);
        }
        Ok(())
    }

    /// Waits for `event`; false when the other came to its end instead. On a CPU that they share, the other goes on
    /// only when this one lets it.
    fn wait(&self, event: impl Fn() -> bool) -> anyhow::Result<bool> {
        spin_until(self.deadline, || {
            if self.share_a_cpu {
                let _ = sched_yield();
            }
            event() || self.is_over.load(SeqCst)
        })?;
        Ok(event())
    }

    /// Whoever comes to its end, well or not, ends the other, too.
    fn ending(&self, part: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let result = part();
        self.is_over.store(true, SeqCst);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_busy_machine_gave_no_time_for_cannot_be_shown() {
        let late = spin_until(Instant::now(), || false).unwrap_err();
        assert!(matches!(late.downcast_ref(), Some(Failure::CannotShow(_))), "{late}");
        assert!(spin_until(Instant::now(), || true).is_ok());
    }
}
