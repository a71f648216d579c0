//! What is atomic. One instruction is, for those who share its CPU: no interrupt divides it. For another CPU it is not,
//! unless it says so. What no instruction does, a loop can do. And two words, each of them atomic, are not so together.
//!
//! Note: 关于同步 ("原子操作必须由一个单一的汇编指令代表"). Go: `sync/atomic`. Man: none but the CPU's own manual.

pub mod compare_and_swap;
pub mod words;

use std::time::Instant;

use anyhow::Context;
use shared::harness::report::Report;
use shared::harness::showing::Showing;
use shared::linux::at_once::deadline;
use shared::linux::failure::Failure;

use crate::increments::{Counted, Increment, PLAIN, on_one_cpu, on_two_cpus};
use compare_and_swap::multiply;
use words::{cost, move_to_and_fro};

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    let deadline = deadline();
    let mut showing = Showing::new(out);
    showing.record("three instructions on one CPU", interruptible(deadline))?;
    let missing = "this CPU has no instruction that adds to memory and is not atomic; x86-64 has";
    let one = uninterruptible(deadline).and_then(|counted| counted.context(Failure::CannotShow(missing.into())));
    showing.record("one instruction on one CPU", one)?;
    showing.record("two CPUs", not_atomic(deadline))?;
    showing.record("two CPUs, one locked instruction", locked(deadline))?;
    showing.record("compare and swap", multiply(deadline))?;
    showing.record("cost", cost())?;
    showing.record("two words", move_to_and_fro(false, deadline))?;
    showing.record("two words and a mutex", move_to_and_fro(true, deadline))?;
    showing.finish()
}

/// Three instructions on one CPU: an interrupt comes between them in the end.
pub fn interruptible(deadline: Instant) -> anyhow::Result<Counted> {
    on_one_cpu(Increment::ReadAddWrite, deadline, |counted| counted.lost > 0)
}

/// One instruction on one CPU, whatever the number of switches; none where the CPU has no such instruction.
pub fn uninterruptible(deadline: Instant) -> anyhow::Result<Option<Counted>> {
    let one = || on_one_cpu(Increment::Inc, deadline, |counted| counted.switches >= 10);
    (PLAIN == Increment::Inc).then(one).transpose()
}

/// The same on two CPUs, without any switch: nothing interrupts it, be it one instruction or three.
pub fn not_atomic(deadline: Instant) -> anyhow::Result<Counted> {
    on_two_cpus(PLAIN, deadline, |counted| counted.lost > 0)
}

/// An instruction that keeps the other CPU out.
pub fn locked(deadline: Instant) -> anyhow::Result<Counted> {
    on_two_cpus(Increment::FetchAdd, deadline, |counted| counted.updates >= 400_000)
}
