//! The series of PIDs at its maximum, twice, in a PID namespace of our own.
//!
//! Note: 进程的标识. Go: none. Man: kernel.pid_max and kernel.ns_last_pid in proc_sys_kernel(5), pid_namespaces(7).

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use anyhow::Context;
use libc::{WEXITED, pid_t};
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::{self, Pid};
use serde::Serialize;
use shared::linux::child::answer::{tell, telling, told};
use shared::linux::child::forked::{Forked, pause};
use shared::linux::failure::accessible;

use crate::namespace::with_own_pids;

/// The number given last in the PID namespace of whoever reads or writes this file.
const COUNTER: &str = "/proc/sys/kernel/ns_last_pid";

/// The numbers given from just before the maximum on.
#[derive(Serialize)]
pub struct Rounds {
    pub maximum: pid_t,
    /// The last of them stays alive for the second round.
    pub first_pids: [pid_t; 3],
    /// How many numbers below that one are nobody's.
    pub free_below: i32,
    pub second_pids: [pid_t; 3],
    /// The next number, when all these are free again.
    pub next_pid: pid_t,
}

pub fn rounds() -> anyhow::Result<Rounds> {
    // Opened here, where it can be told why if it cannot be; it is the writer's own namespace whose counter is set.
    let counter = accessible(&format!("open {COUNTER}"), File::options().write(true).open(COUNTER))?;
    let [maximum, one, two, three, free_below, four, five, six, next_pid] = with_own_pids(|| {
        let (child, answer) = telling(|teller| {
            let maximum = maximum()?;
            let (first, living) = round(&counter, maximum)?;
            let free_below = free(living.pid());
            let (second, next) = round(&counter, maximum)?;
            for mut child in [living, next] {
                child.signal(Signal::SIGKILL)?;
                child.wait(WEXITED)?;
            }
            let then = number()?;
            Ok(tell(teller, &[&[maximum], &first[..], &[free_below], &second, &[then]].concat())?)
        })?;
        child.succeed()?;
        told(&answer)
    })?;
    let (first_pids, second_pids) = ([one, two, three], [four, five, six]);
    Ok(Rounds { maximum, first_pids, free_below, second_pids, next_pid })
}

// ANCHOR: round
/// The counter is set back to where the next number is the last but one. The third child
/// still lives.
fn round(counter: &File, maximum: pid_t) -> anyhow::Result<([pid_t; 3], Forked)> {
    let last = (maximum - 3).to_string();
    let written = counter.write_all_at(last.as_bytes(), 0);
    written.with_context(|| format!("write {last} to {COUNTER}"))?;
    let (one, two) = (number()?, number()?);
    let three = Forked::new(pause)?;
    Ok(([one, two, three.pid()], three))
}
// ANCHOR_END: round

/// The number of a child, which ends at once.
fn number() -> anyhow::Result<pid_t> {
    let child = Forked::new(|| Ok(()))?;
    let pid = child.pid();
    child.succeed()?;
    Ok(pid)
}

fn maximum() -> anyhow::Result<pid_t> {
    let file = "/proc/sys/kernel/pid_max";
    let text = fs::read_to_string(file).with_context(|| format!("read {file}"))?;
    text.trim().parse().with_context(|| format!("{file}: {text}"))
}

/// How many numbers below this one are no process's, in a namespace where nobody starts threads.
fn free(below: pid_t) -> i32 {
    let free = (1..below).filter(|&pid| unistd::getpgid(Some(Pid::from_raw(pid))) == Err(Errno::ESRCH));
    free.count().try_into().unwrap_or(i32::MAX)
}
