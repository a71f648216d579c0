//! Peterson's algorithm: mutual exclusion by plain reads and writes, and nothing else. It is proven right for
//! a CPU that does them in the program's order. CPUs do not: a write may wait while the next read is done.
//!
//! Note: 关于同步 ("不能依赖于任何计算机硬件"). Go: none, its atomic operations are all in order.
//! Man: none; x86's own instruction against it is mfence.

use std::ops::ControlFlow::{Break, Continue};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, compiler_fence, fence};

use shared::claim::{Claim, Seen, Verdict::Refuted};
use shared::ping_pong::placement::two_cpus;

use super::at_once::at_once;
use super::memory::SharedMemory;

pub const CLAIMS: &[Claim] = &[Claim {
    number: 70,
    heading: "关于同步",
    says: "mutual exclusion must not depend on the hardware, not even on the CPU",
    verdict: Refuted,
    command: "",
    check: independent_of_the_cpu,
}];

/// Two processes can be kept apart by it. Each variable on a cache line of its own.
#[derive(Default)]
struct Peterson {
    wants: [Line<AtomicBool>; 2],
    turn: Line<AtomicUsize>,
    number: Line<AtomicU64>,
}

#[derive(Default)]
#[repr(align(64))]
struct Line<T>(T);

/// What keeps reads and writes in order: for the compiler only, or for the CPU too.
type Fence = fn(Ordering);

impl Peterson {
    fn exclusively(&self, me: usize, fence: Fence, work: impl FnOnce()) {
        let other = 1 - me;
        self.wants[me].0.store(true, Ordering::Relaxed);
        self.turn.0.store(other, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        while self.wants[other].0.load(Ordering::Relaxed) && self.turn.0.load(Ordering::Relaxed) == other {
            std::hint::spin_loop();
        }
        fence(Ordering::SeqCst);
        work();
        fence(Ordering::SeqCst);
        self.wants[me].0.store(false, Ordering::Relaxed);
    }

    /// Two steps: if both are inside, what one adds is lost.
    fn add_one(&self) {
        let number = self.number.0.load(Ordering::Relaxed);
        self.number.0.store(number + 1, Ordering::Relaxed);
    }
}

const UPDATES: u64 = 1000;

/// How many of how many updates are lost, when it is enough.
fn lost(cpus: [usize; 2], fence: Fence, enough: impl Fn(u64, u64) -> bool) -> anyhow::Result<(u64, u64)> {
    let peterson = SharedMemory::new(Peterson::default())?;
    let (mut lost, mut updates) = (0, 0);
    let work = |me| (0..UPDATES).for_each(|_| peterson.exclusively(me, fence, || peterson.add_one()));
    at_once(cpus, work, |_| {
        updates += 2 * UPDATES;
        lost += (2 * UPDATES).saturating_sub(peterson.number.0.swap(0, Ordering::SeqCst));
        if enough(lost, updates) { Break(()) } else { Continue(()) }
    })?;
    Ok((lost, updates))
}

fn independent_of_the_cpu() -> anyhow::Result<Seen> {
    let cpus = two_cpus()?;
    let (plain, of) = lost(cpus, compiler_fence, |lost, _| lost > 0)?;
    let (fenced, of_fenced) = lost(cpus, fence, |_, updates| updates >= of.min(200_000))?;
    let evidence =
        format!("Peterson's algorithm: {plain} of {of} updates lost; with the CPU's fence {fenced} of {of_fenced}");
    Ok(Seen::refuted(plain > 0 && fenced == 0, evidence))
}
