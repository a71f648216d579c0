//! Mutual exclusion by plain reads and writes, as Dekker's and Peterson's algorithms begin: I raise my flag,
//! and enter unless yours is raised. It is right for a CPU that does them in the program's order; ours lets a
//! write wait while the next read is done, and then both enter. What keeps the order is an instruction.
//!
//! Note: 关于同步 ("不能依赖于任何计算机硬件"). Go: none, its atomic operations are all in order. Man: none;
//! x86's instruction is mfence.

use std::hint::spin_loop;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, compiler_fence, fence};

use shared::harness::claims::{Check, Seen};
use shared::linux::cpu::two_cpus;

use shared::linux::at_once::at_once;
use shared::linux::memory::SharedMemory;

pub mod preempted;

pub const CHECKS: &[Check] = &[(70, independent_of_the_cpu)];

/// What keeps reads and writes in order: for the compiler only, or for the CPU too.
type Fence = fn(Ordering);

/// In one round.
const MEETINGS: usize = 100;

/// For two processes, that meet again and again.
struct Door {
    /// Both together, so often.
    arrived: Line<AtomicU64>,
    /// Raised for this meeting and the earlier ones.
    flags: [Line<AtomicU64>; 2],
    /// At each meeting of the round.
    entered: [Line<[AtomicBool; MEETINGS]>; 2],
}

/// On a cache line of its own.
#[repr(align(128))]
struct Line<T>(T);

impl Door {
    fn new() -> Door {
        Door {
            arrived: Line(AtomicU64::new(0)),
            flags: [const { Line(AtomicU64::new(0)) }; 2],
            entered: [const { Line([const { AtomicBool::new(false) }; MEETINGS]) }; 2],
        }
    }

    /// The next meetings of a round.
    fn meet(&self, me: usize, fence: Fence) {
        let first = self.flags[me].0.load(Ordering::SeqCst) + 1;
        for (meeting, entered) in (first..).zip(self.entered[me].0.iter()) {
            self.arrived.0.fetch_add(1, Ordering::SeqCst);
            while self.arrived.0.load(Ordering::SeqCst) < 2 * meeting {
                spin_loop();
            }
            entered.store(self.enters(me, meeting, fence), Ordering::SeqCst);
        }
    }

    // ANCHOR: enters
    fn enters(&self, me: usize, meeting: u64, fence: Fence) -> bool {
        self.flags[me].0.store(meeting, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.flags[1 - me].0.load(Ordering::Relaxed) < meeting
    }
    // ANCHOR_END: enters

    /// At how many meetings of this round both were inside.
    fn both_entered(&self) -> usize {
        let [one, other] = &self.entered;
        let pairs = one.0.iter().zip(other.0.iter());
        pairs.filter(|(one, other)| one.load(Ordering::SeqCst) && other.load(Ordering::SeqCst)).count()
    }
}

fn independent_of_the_cpu() -> anyhow::Result<Seen> {
    const MANY: usize = 20_000;
    let (plain, of) = both_inside(compiler_fence, |both, met| both > 0 && met >= MANY)?;
    let (fenced, of_fenced) = both_inside(fence, |_, met| met >= of)?;
    let evidence = format!("both inside at {plain} of {of} meetings; with the CPU's fence at {fenced} of {of_fenced}");
    Ok(Seen::refuted(plain > 0 && fenced == 0, evidence))
}

/// At how many of how many meetings, when it is enough.
fn both_inside(fence: Fence, enough: impl Fn(usize, usize) -> bool) -> anyhow::Result<(usize, usize)> {
    let door = SharedMemory::new(Door::new())?;
    let (mut both, mut met) = (0, 0);
    at_once(
        two_cpus()?,
        |me| door.meet(me, fence),
        |_| {
            met += MEETINGS;
            both += door.both_entered();
            if enough(both, met) { Break(()) } else { Continue(()) }
        },
    )?;
    Ok((both, met))
}
