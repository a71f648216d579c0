//! What a process can do without system calls, what it cannot, and in which mode the CPU runs it.
//!
//! A page fault brings memory without a call (claim 53), and the clock stands in a page that every process has
//! (claim 54).
//!
//! Note: 系统调用 ("唯一手段", "特权级别"). Go: `syscall`. Man: syscalls(2), vdso(7), seccomp(2).

pub mod modes;

use std::hint::black_box;
use std::time::Instant;

use nix::unistd::getppid;
use serde::Serialize;
use shared::harness::report::Report;
use shared::harness::showing::Showing;
use shared::linux::child::event::Event;
use shared::linux::usage::Usage;

use crate::cpu;
use crate::end::{end_after, end_without_system_calls};
use crate::pages::{PAGES, Pages, write_each};

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut showing = Showing::new(out);
    showing.record("memory without system calls", memory_without_calls())?;
    showing.record("calls and functions", calls_and_functions())?;
    showing.record("privilege level", privilege_level())?;
    showing.records("modes", modes::of_computing_and_piping())?;
    showing.finish()
}

/// How sealed children end: by a system call, and after they have touched new memory.
#[derive(Serialize)]
pub struct MemoryWithoutCalls {
    pub ppid_by_call: Event,
    pub touching: Event,
    pub pages: usize,
    pub faults: i64,
}

// ANCHOR: faults
pub fn memory_without_calls() -> anyhow::Result<MemoryWithoutCalls> {
    let ppid_by_call = end_without_system_calls(|| u8::from(getppid().as_raw() == 0))?;
    let (mut pages, page) = Pages::private(PAGES)?;
    let before = Usage::of_children()?;
    let touching = end_without_system_calls(|| {
        write_each(&mut pages, page);
        0
    })?;
    let faults = (Usage::of_children()? - before).faults;
    Ok(MemoryWithoutCalls { ppid_by_call, touching, pages: PAGES.get(), faults })
}
// ANCHOR_END: faults

/// How sealed children end: after a function, after clock_gettime(2) as a system call, and after the function that the
/// kernel maps in its place.
#[derive(Serialize)]
pub struct CallsAndFunctions {
    pub i32_abs: Event,
    pub clock_by_call: Event,
    pub clock_by_vdso: Event,
}

// ANCHOR: functions
pub fn calls_and_functions() -> anyhow::Result<CallsAndFunctions> {
    let read_clock = || {
        let start = Instant::now();
        u8::from((0..1000).any(|_| Instant::now() < start))
    };
    Ok(CallsAndFunctions {
        i32_abs: end_without_system_calls(|| u8::from(i32::abs(black_box(-1)) != 1))?,
        clock_by_call: end_without_system_calls(|| u8::from(clock_by_system_call() < 0))?,
        clock_by_vdso: end_without_system_calls(read_clock)?,
    })
}
// ANCHOR_END: functions

fn clock_by_system_call() -> libc::c_long {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes the time, which is ours.
    #[allow(unsafe_code, reason = "libc's own clock_gettime is the function")]
    unsafe {
        libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_MONOTONIC, &raw mut time)
    }
}

/// The level at which the CPU runs this program, and how a child ends that executes what only level 0 may.
#[derive(Serialize)]
pub struct PrivilegeLevel {
    pub level: u16,
    pub hlt: Event,
}

pub fn privilege_level() -> anyhow::Result<PrivilegeLevel> {
    cpu::is_known()?;
    Ok(PrivilegeLevel { level: cpu::privilege_level(), hlt: end_after(cpu::halt)? })
}
