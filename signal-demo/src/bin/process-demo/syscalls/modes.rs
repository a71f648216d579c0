//! How much of its CPU time a process is in user mode and how much in kernel mode: it depends on what it does.
//!
//! Note: 系统调用 ("大部分时间里CPU都处于用户态"). Go: `syscall.Getrusage`. Man: getrusage(2).

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::time::Duration;

use anyhow::Context;
use nix::time::{ClockId, clock_gettime};
use shared::harness::claims::{Check, Seen};

use super::child::seen_by_child;
use shared::linux::child::Children;
use shared::linux::usage::Usage;

pub const CHECKS: &[Check] = &[(56, most_of_the_time)];

/// Many kernels see at their clock's ticks only in which mode the CPU is: there should be some.
const CPU_TIME: Duration = Duration::from_millis(60);

/// A process for each, as the kernel divides all the time that a process had by the ticks that it saw.
fn most_of_the_time() -> anyhow::Result<Seen> {
    let children = Children::helpers();
    let computing = seen_by_child(&children, || {
        usage_of(|| {
            compute();
            Ok(())
        })
    })?;
    let pipes = || seen_by_child(&children, || usage_of(pipe()?));
    let mut piping = pipes()?;
    for _ in 0..20 {
        // Where there was no tick, all is counted as user time.
        if piping.system == 0 {
            piping = pipes()?;
        }
    }
    let figures = |usage: Usage| format!("user {} ms, system {} ms", usage.user / 1000, usage.system / 1000);
    let evidence = format!("computing: {}; writing and reading a pipe: {}", figures(computing), figures(piping));
    Ok(Seen::imprecise(computing.user > computing.system, piping.system > piping.user, evidence))
}

fn compute() {
    black_box((0..100_000_u64).fold(black_box(1_u64), |number, n| number.wrapping_mul(31).wrapping_add(n)));
}

/// Puts in as much as a pipe holds, and takes it out.
fn pipe() -> anyhow::Result<impl FnMut() -> io::Result<()>> {
    let (mut reader, mut writer) = io::pipe().context("pipe")?;
    let mut bytes = vec![0; 1 << 16];
    Ok(move || {
        writer.write_all(&bytes)?;
        reader.read_exact(&mut bytes)
    })
}

/// Asked for once, at the end: the kernel takes back nothing that it has told.
fn usage_of(mut work: impl FnMut() -> io::Result<()>) -> anyhow::Result<Usage> {
    while Duration::from(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?) < CPU_TIME {
        work()?;
    }
    Usage::now()
}
