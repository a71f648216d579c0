//! X: where the parent ignores SIGCHLD a child that ends is not kept as a zombie, and is gone at once.
//!
//! Note: 进程的状态 ("退出状态"). Go: `signal.Ignore(syscall.SIGCHLD)`. Man: SIG_IGN of SIGCHLD in waitpid(2).

use std::io::PipeWriter;
use std::thread;
use std::time::{Duration, Instant};

use libc::WEXITED;
use shared::harness::claims::{Check, Seen};
use shared::linux::failure::Failure;

use super::super::answer::{tell, telling, told};
use super::zombie;
use crate::child;
use crate::proc;
use crate::signal::Signal;
use crate::signal::action::Action;

pub const CHECKS: &[Check] = &[(38, nothing_is_kept)];

/// One child after the other ends, until one is seen in the moment.
const PATIENCE: Duration = Duration::from_secs(2);

/// The children of a parent that ignores SIGCHLD.
struct Children {
    ended: i32,
    /// Of which nothing was there to wait for.
    gone: i32,
    /// Whether one was seen in X.
    seen: bool,
}

pub fn make() -> anyhow::Result<char> {
    match children()? {
        Children { seen: true, .. } => Ok('X'),
        Children { ended, gone, .. } => {
            let why = format!("{ended} children ended, {gone} were gone at once, none was seen in between");
            Err(Failure::CannotShow(why).into())
        }
    }
}

/// A child of ours is the parent that ignores SIGCHLD, so that we need not.
fn children() -> anyhow::Result<Children> {
    let (parent, answer) = telling(watch_children_end)?;
    parent.succeed()?;
    let [ended, gone, seen] = told(&answer)?;
    Ok(Children { ended, gone, seen: seen == 1 })
}

fn watch_children_end(teller: &PipeWriter) -> anyhow::Result<()> {
    Action::Ignore.set(Signal::CHLD)?;
    let deadline = Instant::now() + PATIENCE;
    let (mut ended, mut gone, mut seen) = (0, 0, false);
    while !seen && Instant::now() < deadline {
        let child = child::fork(|| Ok(()))?;
        while let Ok(stat) = proc::stat(child)
            && Instant::now() < deadline
        {
            seen |= stat.state == 'X';
            thread::yield_now();
        }
        let waited = child::waitid(child, WEXITED).err().and_then(|error| error.raw_os_error());
        ended += 1;
        gone += i32::from(waited == Some(libc::ECHILD));
    }
    Ok(tell(teller, &[ended, gone, i32::from(seen)])?)
}

/// By default SIGCHLD does nothing either, but that is not explicit.
fn nothing_is_kept() -> anyhow::Result<Seen> {
    let Children { ended, gone, seen } = children()?;
    let by_default = proc::stat(zombie::make()?.pid())?.state;
    let x = if seen { "X was seen" } else { "X was not seen" };
    let evidence = format!("SIGCHLD ignored: {ended} ended, {gone} gone unwaited, {x}; by default: {by_default}");
    Ok(Seen::holds(ended > 0 && gone == ended && by_default == 'Z', evidence))
}
