//! X: where the parent ignores SIGCHLD a child that ends is not kept as a zombie, and is gone at once.
//!
//! Note: 进程的状态 ("退出状态"). Go: `signal.Ignore(syscall.SIGCHLD)`. Man: SIG_IGN of SIGCHLD in waitpid(2).

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use libc::{WEXITED, c_int, pid_t};
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{SigHandler, Signal};
use serde::{Deserialize, Serialize};
use shared::linux::child::answer::{await_turn, tell, told};
use shared::linux::child::event::waitid;
use shared::linux::child::forked::{close_copy, fork};
use shared::linux::child::teller::seen_by_child;
use shared::linux::failure::Failure;
use shared::linux::{proc, signals};

use super::zombie;

/// Children end one after the other for this long, or until one is seen in X.
const PATIENCE: Duration = Duration::from_secs(2);

/// The children of a parent that ignores SIGCHLD.
#[derive(Serialize)]
pub struct Unwaited {
    pub ended: i32,
    /// Those that nobody could wait for.
    pub gone_at_once: i32,
    /// Whether one was seen in X.
    pub seen_in_x: bool,
    /// The state of a child that has ended where SIGCHLD has its default action, which also does nothing.
    pub by_default: char,
}

impl Unwaited {
    /// The state, which is seldom seen.
    pub fn state(&self) -> anyhow::Result<char> {
        if self.seen_in_x { Ok('X') } else { Err(Failure::CannotShow("none was seen in between".into()).into()) }
    }
}

/// In a child of ours, so that SIGCHLD stays as it is here.
pub fn unwaited() -> anyhow::Result<Unwaited> {
    let (ended, gone_at_once, seen_in_x) = seen_by_child(watch_children_end)?;
    Ok(Unwaited { ended, gone_at_once, seen_in_x, by_default: proc::stat(zombie::make()?.pid())?.state })
}

fn watch_children_end() -> anyhow::Result<(i32, i32, bool)> {
    signals::set(Signal::SIGCHLD, SigHandler::SigIgn).context("ignore SIGCHLD")?;
    let deadline = Instant::now() + PATIENCE;
    let (mut ended, mut gone, mut seen) = (0, 0, false);
    while !seen && Instant::now() < deadline {
        let child = fork(|| Ok(()))?;
        while Instant::now() < deadline {
            match proc::stat(child) {
                Err(error) if proc::is_gone(&error) => break,
                stat => seen |= stat?.state == 'X',
            }
            thread::yield_now();
        }
        ended += 1;
        match waitid(child, WEXITED) {
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) => gone += 1,
            waited => drop(waited.with_context(|| format!("wait for child {child}"))?),
        }
    }
    Ok((ended, gone, seen))
}

/// What a child had that nobody waited for: a record lock on a file, by the PID of its owner, and an end of a pipe.
#[derive(Serialize, Deserialize)]
pub struct GivenBack {
    pub child_pid: pid_t,
    pub lock_while_it_lived: pid_t,
    pub lock_afterwards: Option<pid_t>,
    pub its_pipe_is_closed: bool,
    /// Whether its number is nobody's.
    pub is_gone: bool,
}

/// In a child of ours, so that SIGCHLD stays as it is here.
pub fn given_back() -> anyhow::Result<GivenBack> {
    seen_by_child(|| {
        signals::set(Signal::SIGCHLD, SigHandler::SigIgn).context("ignore SIGCHLD")?;
        let file = memfd_create(c"locked", MFdFlags::MFD_CLOEXEC).context("memfd_create")?;
        let (held, holding) = io::pipe().context("pipe")?;
        let (turn, give) = io::pipe().context("pipe")?;
        let child = fork(|| {
            close_copy(&give)?;
            fcntl(&file, FcntlArg::F_SETLK(&whole(libc::F_WRLCK))).context("lock the file")?;
            tell(&holding, &[1])?;
            await_turn(&turn)?;
            Ok(())
        })?;
        drop(holding);
        let [_is_locked] = told(&held)?;
        let lock_while_it_lived = owner(&file)?.context("nobody holds the lock")?;
        drop(give);
        let its_pipe_is_closed = (&held).read(&mut [0]).context("read its pipe")? == 0;
        let is_gone = waitid(child, WEXITED).is_err_and(|error| error.raw_os_error() == Some(libc::ECHILD));
        Ok(GivenBack {
            child_pid: child,
            lock_while_it_lived,
            lock_afterwards: owner(&file)?,
            its_pipe_is_closed,
            is_gone,
        })
    })
}

/// Who keeps others from locking the file.
fn owner(file: &OwnedFd) -> anyhow::Result<Option<pid_t>> {
    let mut lock = whole(libc::F_WRLCK);
    fcntl(file, FcntlArg::F_GETLK(&mut lock)).context("ask for the lock")?;
    Ok((i32::from(lock.l_type) != libc::F_UNLCK).then_some(lock.l_pid))
}

/// A lock on all of a file.
fn whole(kind: c_int) -> libc::flock {
    let (kind, whence) = (kind.try_into().unwrap_or_default(), libc::SEEK_SET.try_into().unwrap_or_default());
    libc::flock { l_type: kind, l_whence: whence, l_start: 0, l_len: 0, l_pid: 0 }
}
