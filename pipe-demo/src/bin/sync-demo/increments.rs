//! Two processes that add one to the same number at the same time, in several ways, and how much of that is lost.
//!
//! Note: 关于同步. Go: `sync/atomic`. Man: getrusage(2) at ru_nivcsw; `lock` is a prefix of x86's instructions.

use std::hint::black_box;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::time::Instant;

use serde::Serialize;
use shared::linux::at_once::at_once;
use shared::linux::cpu::{cpus, two_cpus};
use shared::linux::memory::SharedMemory;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Increment {
    /// Read, add, write: three steps.
    ReadAddWrite,
    /// x86's `inc` of a number in memory: one instruction, between whose read and write no interrupt can come.
    Inc,
    /// Rust's atomic addition: `lock inc` on x86.
    FetchAdd,
}

/// What adds with no regard to other CPUs: in one instruction, where the CPU has it.
pub const PLAIN: Increment = if cfg!(target_arch = "x86_64") { Increment::Inc } else { Increment::ReadAddWrite };

/// What came of the rounds that count.
#[derive(Serialize)]
pub struct Counted {
    pub add: Increment,
    pub cpus: usize,
    pub switches: i64,
    pub updates: u64,
    pub lost: u64,
}

/// Both on one CPU, which goes from one to the other, until `enough`.
pub fn on_one_cpu(add: Increment, deadline: Instant, enough: impl Fn(&Counted) -> bool) -> anyhow::Result<Counted> {
    count(add, [cpus()?.0; 2], 5_000_000, deadline, enough)
}

/// Each on a CPU of its own. Only rounds in which neither lost it count, until `enough`.
pub fn on_two_cpus(add: Increment, deadline: Instant, enough: impl Fn(&Counted) -> bool) -> anyhow::Result<Counted> {
    count(add, two_cpus()?, 10_000, deadline, enough)
}

fn count(
    add: Increment,
    cpus: [usize; 2],
    times: u64,
    deadline: Instant,
    enough: impl Fn(&Counted) -> bool,
) -> anyhow::Result<Counted> {
    let (number, share_a_cpu) = (SharedMemory::new(AtomicU64::new(0))?, cpus[0] == cpus[1]);
    let mut counted = Counted { add, cpus: if share_a_cpu { 1 } else { 2 }, switches: 0, updates: 0, lost: 0 };
    at_once(
        cpus,
        deadline,
        |_| {
            add.to(&number, times);
            Ok(())
        },
        |switches| {
            let sum = number.swap(0, SeqCst);
            if share_a_cpu || switches == 0 {
                counted.switches += switches;
                counted.updates += 2 * times;
                counted.lost += (2 * times).saturating_sub(sum);
            }
            if enough(&counted) { Break(()) } else { Continue(()) }
        },
    )?;
    Ok(counted)
}

impl Increment {
    fn to(self, number: &AtomicU64, times: u64) {
        match self {
            Increment::ReadAddWrite => (0..times).for_each(|_| read_add_write(number)),
            Increment::Inc => inc(number, times),
            Increment::FetchAdd => (0..times).for_each(|_| _ = number.fetch_add(1, Relaxed)),
        }
    }
}

// ANCHOR: steps
/// Without the box, the compiler makes one instruction of the three where the CPU has it.
fn read_add_write(number: &AtomicU64) {
    number.store(black_box(number.load(Relaxed)) + 1, Relaxed);
}
// ANCHOR_END: steps

// ANCHOR: increment
/// Adds one `times` times, each time by one instruction: no interrupt can come in its
/// middle.
#[cfg(target_arch = "x86_64")]
fn inc(number: &AtomicU64, times: u64) {
    // SAFETY: the word is ours and aligned. That others write it meanwhile is the
    // experiment; Rust knows nothing of what happens here.
    #[allow(unsafe_code, reason = "Rust promises no instruction for a plain addition")]
    unsafe {
        std::arch::asm!("2: inc qword ptr [{0}]", "dec {1}", "jnz 2b",
             in(reg) number.as_ptr(), inout(reg) times.max(1) => _, options(nostack));
    }
}
// ANCHOR_END: increment

/// No such instruction is known: those of arm64 that add to memory are atomic.
#[cfg(not(target_arch = "x86_64"))]
fn inc(number: &AtomicU64, times: u64) {
    (0..times).for_each(|_| read_add_write(number));
}
