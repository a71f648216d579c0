//! How a child ends that may die of what it does; sealed, it may make no system call but its last one: whatever it gets
//! then of the kernel, it gets without.
//!
//! Note: 系统调用 ("唯一手段"). Go: none. Man: PR_SET_DUMPABLE in prctl(2), seccomp(2), waitid(2).

use std::io;

use anyhow::Context;
use libc::WEXITED;
use nix::sys::prctl::{set_dumpable, set_no_new_privs};
use shared::linux::child::event::Event;
use shared::linux::child::fork::exit;
use shared::linux::child::forked::Forked;
use shared::linux::failure::Failure;

/// All is well in the child.
pub const WELL: Event = Event::Exited(0);

/// How a child ends after one instruction that may be forbidden.
pub fn end_after(instruction: impl FnOnce()) -> anyhow::Result<Event> {
    end_of(|| {
        instruction();
        0
    })
}

/// How a child ends that does `body` while every system call but _exit(2) would kill it by SIGSYS.
pub fn end_without_system_calls(body: impl FnOnce() -> u8) -> anyhow::Result<Event> {
    const REFUSED: u8 = 77;
    match end_of(|| if seal().is_ok() { body() } else { REFUSED })? {
        Event::Exited(code) if code == i32::from(REFUSED) => {
            Err(Failure::CannotShow("seccomp(2) is refused".into()).into())
        }
        end => Ok(end),
    }
}

/// How a child ends: by a signal that it dies of, without a core, or with the code that `body` returns.
fn end_of(body: impl FnOnce() -> u8) -> anyhow::Result<Event> {
    let mut child = Forked::new(|| {
        set_dumpable(false).context("PR_SET_DUMPABLE")?;
        // The one system call that a sealed child may still make.
        exit(body().into())
    })?;
    child.wait(WEXITED)
}

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
    set_no_new_privs().context("PR_SET_NO_NEW_PRIVS")?;
    // SAFETY: the program is as long as it says, and is read during the call only.
    #[allow(unsafe_code, reason = "libc has no seccomp")]
    let sealed = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    if sealed < 0 { Err(io::Error::last_os_error()).context("PR_SET_SECCOMP") } else { Ok(()) }
}
