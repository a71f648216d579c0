//! A process that may make no system call but its last one: whatever it gets then of the kernel, it gets
//! without. A page fault brings memory, and the clock stands in a page that every process has.
//!
//! Note: 系统调用 ("唯一手段"). Go: none. Man: seccomp(2), vdso(7).

use std::hint::black_box;
use std::io;
use std::num::NonZeroUsize;
use std::time::Instant;

use anyhow::Context;
use nix::sys::prctl::set_no_new_privs;
use nix::unistd::getppid;
use shared::harness::claims::{Check, Seen};
use shared::linux::failure::Failure;

use super::child::end_of;
use super::pages::{private_pages, write_each};
use shared::linux::child::Children;
use shared::linux::memory::page_size;
use shared::linux::usage::Usage;

pub const CHECKS: &[Check] = &[(53, the_only_way), (54, call_or_function)];

const PAGES: usize = 1000;

// ANCHOR: faults
fn the_only_way() -> anyhow::Result<Seen> {
    let call = end_without_system_calls(&Children::helpers(), || u8::from(getppid().as_raw() == 0))?;
    let page = page_size()?;
    let pages = private_pages(page.saturating_mul(NonZeroUsize::new(PAGES).context("no pages")?))?;
    let before = Usage::of_children()?;
    let children = Children::helpers();
    let touched = end_without_system_calls(&children, || {
        write_each(pages, page.get());
        0
    })?;
    children.finish(); // Of a child that has not been reaped nothing is counted.
    let faults = (Usage::of_children()? - before).faults;
    let evidence = format!(
        "all system calls forbidden: getppid(2): {call}; {PAGES} new pages touched, {faults} page faults: {touched}"
    );
    Ok(Seen::imprecise(call == "SIGSYS", touched == "exit 0" && faults >= i64::try_from(PAGES)?, evidence))
}
// ANCHOR_END: faults

/// clock_gettime(2) stands among the system calls, and is none where the kernel maps it as a function.
fn call_or_function() -> anyhow::Result<Seen> {
    const TIMES: u32 = 1000;
    let children = Children::helpers();
    let function = end_without_system_calls(&children, || u8::from(i32::abs(black_box(-1)) != 1))?;
    let call = end_without_system_calls(&children, || u8::from(clock_by_system_call() < 0))?;
    let mapped = end_without_system_calls(&children, || {
        let start = Instant::now();
        u8::from((0..TIMES).any(|_| Instant::now() < start))
    })?;
    if mapped == "SIGSYS" {
        return Err(Failure::CannotShow("the kernel maps no function that reads this machine's clock".into()).into());
    }
    let evidence = format!(
        "all system calls forbidden: i32::abs: {function}; clock_gettime as a call: {call}, {TIMES} times as a function: {mapped}"
    );
    Ok(Seen::imprecise(function == "exit 0" && call == "SIGSYS", mapped == "exit 0", evidence))
}

fn clock_by_system_call() -> libc::c_long {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes the time, which is ours.
    #[allow(unsafe_code, reason = "libc's own clock_gettime is the function")]
    unsafe {
        libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_MONOTONIC, &raw mut time)
    }
}

/// How a child ends that does `body` while every system call but _exit(2) would kill it by SIGSYS.
pub fn end_without_system_calls(children: &Children, body: impl FnOnce() -> u8) -> anyhow::Result<String> {
    const REFUSED: u8 = 77;
    let end = end_of(children, || if seal().is_ok() { body() } else { REFUSED })?;
    if end == format!("exit {REFUSED}") {
        return Err(Failure::CannotShow("seccomp(2) is refused".into()).into());
    }
    Ok(end)
}

// ANCHOR: seal
/// The filter looks at a call's number, lets two pass, and kills by the others.
fn seal() -> anyhow::Result<()> {
    let step = |code: u32, then, number| -> anyhow::Result<libc::sock_filter> {
        Ok(libc::sock_filter { code: u16::try_from(code)?, jt: then, jf: 0, k: u32::try_from(number)? })
    };
    let (load, is_equal) = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K);
    let finish = libc::BPF_RET | libc::BPF_K;
    let mut filter = [
        step(load, 0, 0)?,
        step(is_equal, 2, libc::SYS_exit_group)?,
        step(is_equal, 1, libc::SYS_exit)?,
        step(finish, 0, libc::SECCOMP_RET_KILL_PROCESS.into())?,
        step(finish, 0, libc::SECCOMP_RET_ALLOW.into())?,
    ];
    let program = libc::sock_fprog { len: u16::try_from(filter.len())?, filter: filter.as_mut_ptr() };
    set_no_new_privs().map_err(io::Error::from).context("PR_SET_NO_NEW_PRIVS")?;
    // SAFETY: the program is as long as it says, and is read during the call only.
    #[allow(unsafe_code, reason = "libc has no seccomp")]
    let sealed = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    if sealed < 0 { Err(io::Error::last_os_error()).context("PR_SET_SECCOMP") } else { Ok(()) }
}
// ANCHOR_END: seal
