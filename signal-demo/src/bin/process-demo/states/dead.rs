//! X: where the parent ignores SIGCHLD a child that ends is not kept as a zombie, and is gone at once.
//!
//! Note: 进程的状态 ("退出状态"). Go: `signal.Ignore(syscall.SIGCHLD)`. Man: SIG_IGN of SIGCHLD in waitpid(2).

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use libc::WEXITED;
use nix::sys::signal::{SigHandler, Signal};
use serde::Serialize;
use shared::linux::child::event::waitid;
use shared::linux::child::forked::fork;
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
