//! Who gets into a critical section, and what keeps the others out.
//!
//! Peterson's algorithm needs nothing but plain reads and writes: I say that I want in, leave you the turn, and wait
//! while you want in and have the turn. It is right for a CPU that does them in the program's order. Ours lets a write
//! wait while the next read is done, and then both are inside. What keeps the order is an instruction.
//!
//! Note: 关于同步 ("不能依赖于任何计算机硬件", "临界区对是否可以被中断没有强制的规定"). Go: `sync.Mutex`, whose atomic
//! operations are all in order. Man: pthread_mutex_lock(3), pipe(7); x86's instruction is mfence.

pub mod door;
pub mod preempted;

use shared::harness::report::Report;
use shared::harness::showing::Showing;
use shared::linux::at_once::deadline;

use door::{How, visit};
use preempted::preempted;

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut showing = Showing::new(out);
    showing.record("a preempted holder", preempted())?;
    let deadline = deadline();
    showing.record("a door of plain reads and writes", visit(How::PlainReadsAndWrites, deadline))?;
    showing.record("with a fence", visit(How::Fence, deadline))?;
    showing.record("with a mutex", visit(How::Mutex, deadline))?;
    showing.record("with a token", visit(How::Token, deadline))?;
    showing.finish()
}
