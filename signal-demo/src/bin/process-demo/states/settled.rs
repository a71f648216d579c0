//! A process in the state that it is about to reach: no event tells that one has fallen asleep.
//!
//! Note: 进程的状态. Go: none. Man: proc_pid_stat(5).

use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use libc::pid_t;
use shared::linux::child::forked::Forked;
use shared::linux::failure::Failure;
use shared::linux::proc;

/// The child, as soon as its state is `expected`.
pub fn settled(child: Forked, expected: char) -> anyhow::Result<Forked> {
    becomes(child.pid(), expected)?;
    Ok(child)
}

/// The state, as soon as it is `expected`.
pub fn becomes(pid: pid_t, expected: char) -> anyhow::Result<char> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let state = proc::stat(pid)?.state;
        if state == expected {
            return Ok(state);
        }
        ensure!(!matches!(state, 'Z' | 'X'), "child {pid} has ended, and does not become {expected}");
        if Instant::now() > deadline {
            let what = format!("child {pid} is {state} and does not become {expected}");
            return Err(Failure::Deadline(what).into());
        }
        thread::yield_now();
    }
}
