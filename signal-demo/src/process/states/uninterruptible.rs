//! D without a disk: a parent inside vfork(2) sleeps until its child has ended or called exec.

use std::io::{self, PipeReader, Write};
use std::os::fd::AsRawFd;

use anyhow::{Context, ensure};
use libc::{WEXITED, c_int, c_ulong, pid_t};
use nix::sched::{CloneFlags, clone};
use nix::unistd;

use super::settled;
use crate::child::{self, Child, Event};

pub fn make() -> anyhow::Result<char> {
    let (release, mut releaser) = io::pipe().context("pipe")?;
    let child = Child::fork(|| vfork_and_reap(&release))?;
    let state = settled(child.pid(), 'D')?;
    releaser.write_all(b"!").context("release the child of the vfork")?;
    child.succeed()?;
    Ok(state)
}

fn vfork_and_reap(release: &PipeReader) -> anyhow::Result<()> {
    let mut stack = vec![0; 64 * 1024];
    let (fd, parent) = (release.as_raw_fd(), unistd::getpid().as_raw());
    // SAFETY: it shares this memory while this process sleeps, has a stack of its own, and only makes system calls.
    #[allow(unsafe_code, reason = "vfork(2) itself would return twice into this frame")]
    let child = unsafe {
        clone(
            Box::new(|| await_release(fd, parent)),
            &mut stack,
            CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK,
            Some(libc::SIGCHLD),
        )
    };
    let child = child.map_err(io::Error::from).context("clone")?;
    let event = child::waitid(child.as_raw(), WEXITED)?;
    ensure!(event == Some(Event::Exited(0)), "the child of the vfork: {event:?}");
    Ok(())
}

/// In the child: ends when told to, or with its parent.
fn await_release(fd: c_int, parent: pid_t) -> isize {
    let mut byte = 0_u8;
    // SAFETY: system calls only, and one byte of this stack.
    #[allow(unsafe_code, reason = "nothing else may be called in memory shared by vfork")]
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong);
        let released = libc::getppid() == parent && libc::read(fd, (&raw mut byte).cast(), 1) == 1;
        isize::from(!released)
    }
}
