//! How much of its CPU time a process is in user mode and how much in kernel mode: it depends on what it does.
//!
//! Note: 系统调用 ("大部分时间里CPU都处于用户态"). Go: `syscall.Getrusage`. Man: getrusage(2).

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::time::Duration;

use anyhow::Context;
use nix::time::{ClockId, clock_gettime};
use serde::Serialize;
use shared::linux::child::teller::seen_by_child;
use shared::linux::usage::Usage;

use crate::repeated::repeated;

/// Long enough for some ticks of the clock: many kernels look only then in which mode the CPU is.
const CPU_TIME: Duration = Duration::from_millis(60);

/// The CPU time of a process that does one thing only.
#[derive(Serialize)]
pub struct Times {
    pub work: &'static str,
    pub user_us: i64,
    pub system_us: i64,
}

/// Each in a process of its own: the kernel divides all the time of a process as the ticks fell.
pub fn of_computing_and_piping() -> anyhow::Result<[Times; 2]> {
    // On a busy machine the ticks may fall as they like, and without any tick all is counted as user time.
    let computing = || seen_by_child(|| usage_of(compute()));
    let computing = repeated(20, computing, |usage| usage.user > usage.system)?;
    let piping = || seen_by_child(|| usage_of(pipe()?));
    let piping = repeated(20, piping, |usage| usage.system > usage.user)?;
    let times = |work, usage: Usage| Times { work, user_us: usage.user, system_us: usage.system };
    Ok([times("computing", computing), times("writing and reading a pipe", piping)])
}

fn compute() -> impl FnMut() -> io::Result<()> {
    let mut number = 1_u64;
    move || {
        number = black_box((0..100_000_u64).fold(number, |number, n| number.wrapping_mul(31).wrapping_add(n)));
        Ok(())
    }
}

// ANCHOR: pipe
/// Puts in as much as a pipe holds, and takes it out.
fn pipe() -> anyhow::Result<impl FnMut() -> io::Result<()>> {
    let (mut reader, mut writer) = io::pipe().context("pipe")?;
    let mut bytes = vec![0; 1 << 16];
    Ok(move || {
        writer.write_all(&bytes)?;
        reader.read_exact(&mut bytes)
    })
}
// ANCHOR_END: pipe

/// Asked for once, at the end: what the kernel has told once, it does not correct.
fn usage_of(mut work: impl FnMut() -> io::Result<()>) -> anyhow::Result<Usage> {
    let cpu_time = || clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).context("clock_gettime");
    while Duration::from(cpu_time()?) < CPU_TIME {
        work().context("work with a pipe")?;
    }
    Usage::now()
}
