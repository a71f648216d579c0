//! Who gets into a critical section, and what keeps the others out.
//!
//! Peterson's algorithm needs nothing but plain reads and writes: I say that I want in, leave you the turn, and wait
//! while you want in and have the turn. It is right for a CPU that does them in the program's order. Ours lets a write
//! wait while the next read is done, and then both are inside. What keeps the order is an instruction.
//!
//! Note: 关于同步 ("不能依赖于任何计算机硬件", "临界区对是否可以被中断没有强制的规定"). Go: `sync.Mutex`, whose atomic
//! operations are all in order. Man: pthread_mutex_lock(3), pipe(7); x86's instruction is mfence.

mod door;
mod preempted;

use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::at_once::deadline;

pub use door::visit;
pub use preempted::preempted;

/// There are no options.
#[derive(clap::Args)]
pub struct Args {}

/// What keeps the others out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Peterson's algorithm, whose order the compiler keeps, but not the CPU
    PlainReadsAndWrites,
    /// The same, and the CPU keeps the order too
    Fence,
    /// A mutex in shared memory
    Mutex,
    /// A pipe that holds one byte
    Token,
}

/// Two processes that came to the door at the same time, again and again.
#[derive(Serialize)]
pub struct Visits {
    pub by: By,
    pub meetings: usize,
    pub both_inside: usize,
}

/// What became of a critical section whose holder lost the CPU.
#[derive(Serialize)]
pub struct Preempted {
    /// How often the CPU was taken from the holder inside.
    pub switches_inside: i64,
    pub other_waits: bool,
    pub other_got_in: bool,
    pub other_got_in_later: bool,
}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&preempted()?)?;
    let deadline = deadline();
    for by in [By::PlainReadsAndWrites, By::Fence, By::Mutex, By::Token] {
        out.pairs(&visit(by, deadline)?)?;
    }
    Ok(())
}
