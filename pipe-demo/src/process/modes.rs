//! How much of its CPU time a process is in user mode and how much in kernel mode: it depends on what it does.
//!
//! Note: 系统调用 ("大部分时间里CPU都处于用户态"). Go: `syscall.Getrusage`. Man: getrusage(2).

use std::hint::black_box;
use std::io::{self, Read, Write};

use anyhow::Context;
use shared::claim::{Claim, Seen, Verdict::Imprecise};

use super::child::seen_by_child;
use super::usage::Usage;
use crate::children::Children;

pub const CLAIMS: &[Claim] = &[Claim {
    number: 56,
    heading: "系统调用",
    says: "the CPU is in user mode most of the time",
    verdict: Imprecise,
    command: "",
    check: most_of_the_time,
}];

/// In microseconds. Many kernels look at their clock's ticks in which mode the CPU is: there must be some.
const CPU_TIME: i64 = 60_000;

/// A process for each, as the kernel divides all the time that a process had by the ticks that it saw.
fn most_of_the_time() -> anyhow::Result<Seen> {
    let children = Children::default();
    let computing = seen_by_child(&children, || usage_of(compute))?;
    let (mut reader, mut writer) = io::pipe().context("pipe")?;
    // As much as a pipe holds.
    let mut bytes = vec![0; 1 << 16];
    let piping = seen_by_child(&children, || {
        usage_of(|| {
            writer.write_all(&bytes).context("write the pipe")?;
            reader.read_exact(&mut bytes).context("read the pipe")
        })
    })?;
    let figures = |usage: Usage| format!("user {} ms, system {} ms", usage.user / 1000, usage.system / 1000);
    let evidence = format!("computing: {}; writing and reading a pipe: {}", figures(computing), figures(piping));
    Ok(Seen::imprecise(computing.user > computing.system, piping.system > piping.user, evidence))
}

fn compute() -> anyhow::Result<()> {
    black_box((0..100_000_u64).fold(black_box(1_u64), |number, n| number.wrapping_mul(31).wrapping_add(n)));
    Ok(())
}

fn usage_of(mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Usage> {
    let mut usage = Usage::default();
    while usage.cpu() < CPU_TIME {
        work()?;
        usage = Usage::now()?;
    }
    Ok(usage)
}
