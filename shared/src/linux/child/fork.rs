//! fork(2), and how a child ends with its parent.
//!
//! Note: 进程的衍生. Go: none, its programs cannot fork. Man: fork(2), PR_SET_PDEATHSIG in prctl(2).

use std::fs;
use std::io;
use std::panic::{self, AssertUnwindSafe};

use anyhow::ensure;
use nix::errno::Errno;
use nix::libc::{self, c_int};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{self, ForkResult, Pid, getpid, getppid};

use crate::linux::failure::start_failed;
use crate::linux::stdio::complain;

/// Forks a child that does `work` and exits with what that returns; or with `failed`, once it has said why.
pub(super) fn fork(failed: u8, work: impl FnOnce() -> anyhow::Result<u8>) -> anyhow::Result<Pid> {
    ensure!(!has_several_threads(), "fork in a program that has several threads");
    // SAFETY: there is no other thread, so the child may do what its parent may.
    #[allow(unsafe_code, reason = "fork(2) is unsafe in a program with threads")]
    match unsafe { unistd::fork() }.map_err(|errno| start_failed("fork", errno.into()))? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let done = || {
                work().unwrap_or_else(|error| {
                    complain(&error.context(format!("child {}", getpid())));
                    failed
                })
            };
            exit(panic::catch_unwind(AssertUnwindSafe(done)).unwrap_or(1).into())
        }
    }
}

/// In a child: ends it, by a system call and nothing else.
pub fn exit(code: c_int) -> ! {
    // SAFETY: ends the process; what the parent has buffered is not written twice.
    #[allow(unsafe_code, reason = "exit(3) would run the parent's destructors")]
    unsafe {
        libc::_exit(code)
    }
}

/// With more than one thread the call is refused, with one it has no effect; in a container it may not be allowed.
fn has_several_threads() -> bool {
    match unshare(CloneFlags::CLONE_THREAD) {
        Err(Errno::EPERM) => fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() > 1),
        asked => asked == Err(Errno::EINVAL),
    }
}

/// Has this new child end with the thread that started it.
pub(super) fn die_with(parent: Pid) -> io::Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
}
