//! Two processes that do something at the same time, round after round, until what can happen has happened.
//!
//! On two CPUs they wait for each other spinning: who gave the CPU away would be late. The kernel counts
//! whether one of them lost its CPU in a round; where none did, nothing interrupted them.
//!
//! Note: 关于同步. Go: `testing.B.RunParallel`. Man: sched_setaffinity(2), getrusage(2) at ru_nivcsw.

use std::hint::spin_loop;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use crate::linux::cpu::{stay_on, staying_on};
use crate::linux::failure::Failure;
use anyhow::ensure;
use nix::sched::sched_yield;

use crate::linux::child::{Children, wait_for};
use crate::linux::memory::SharedMemory;
use crate::linux::usage::Usage;

/// Where the two are; both are in one round or before it.
#[derive(Default)]
struct Rounds {
    /// The first has begun it.
    begun: AtomicU32,
    /// The second too.
    joined: AtomicU32,
    /// The second has done its work.
    done: AtomicU32,
    /// And lost its CPU so often meanwhile.
    switches: AtomicI64,
    /// There are no more.
    is_over: AtomicBool,
    share_a_cpu: bool,
}

/// What did not happen by then will not be waited for.
const PATIENCE: Duration = Duration::from_secs(12);

/// The two processes, 0 and 1, do `work` at once; between the rounds `judge` hears how often they have lost
/// their CPUs, and says whether it has seen enough.
pub fn at_once(
    cpus: [usize; 2],
    work: impl Fn(usize),
    judge: impl FnMut(i64) -> ControlFlow<()>,
) -> anyhow::Result<()> {
    let rounds = SharedMemory::new(Rounds { share_a_cpu: cpus[0] == cpus[1], ..Rounds::default() })?;
    let children = Children::helpers();
    let second = children.fork(|| u8::from(stay_on(cpus[1]).and_then(|()| rounds.follow(&work)).is_err()))?;
    staying_on(Some(cpus[0]), || rounds.lead(&work, judge))?;
    rounds.is_over.store(true, SeqCst);
    wait_for(second)
}

impl Rounds {
    /// The first process.
    fn lead(&self, work: impl Fn(usize), mut judge: impl FnMut(i64) -> ControlFlow<()>) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        for round in 1.. {
            self.begun.store(round, SeqCst);
            self.wait(|| self.joined.load(SeqCst) == round)?;
            let before = Usage::now()?;
            work(0);
            let switches = (Usage::now()? - before).switches();
            self.wait(|| self.done.load(SeqCst) == round)?;
            if judge(switches + self.switches.load(SeqCst)).is_break() {
                break;
            }
            ensure!(Instant::now() < deadline, Failure::Deadline(format!("not seen in {PATIENCE:?}")));
        }
        Ok(())
    }

    /// The second process.
    fn follow(&self, work: impl Fn(usize)) -> anyhow::Result<()> {
        for round in 1.. {
            self.wait(|| self.begun.load(SeqCst) == round || self.is_over.load(SeqCst))?;
            if self.is_over.load(SeqCst) {
                break;
            }
            let before = Usage::now()?;
            self.joined.store(round, SeqCst);
            work(1);
            self.switches.store((Usage::now()? - before).switches(), SeqCst);
            self.done.store(round, SeqCst);
        }
        Ok(())
    }

    /// On a CPU that they share the other cannot go on before this one lets it.
    fn wait(&self, event: impl Fn() -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !event() {
            (0..100).for_each(|_| spin_loop());
            if self.share_a_cpu {
                let _ = sched_yield();
            }
            ensure!(Instant::now() < deadline, Failure::Deadline(format!("nobody there in {PATIENCE:?}")));
        }
        Ok(())
    }
}
