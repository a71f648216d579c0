//! S: asleep until something happens, or a signal comes.
//!
//! Note: 进程的状态 ("可中断的睡眠状态"). Go: `golang.org/x/sync/semaphore`. Man: pause(2), eventfd(2).

use std::collections::BTreeMap;
use std::io;
use std::iter;

use anyhow::{Context, bail};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd;
use shared::harness::claims::{Check, Seen, joined};
use shared::linux::readiness;

use super::super::answer::{tell, told};
use super::settled;
use crate::child::{self, Child};

pub const CHECKS: &[Check] = &[(27, one_or_several_are_woken)];

pub fn pausing() -> anyhow::Result<Child> {
    let child = Child::fork(child::pause)?;
    settled(child.pid(), 'S')?;
    Ok(child)
}

/// At a semaphore, as in the note: a post of 1 wakes one of the three, a post of 2 the two others.
fn one_or_several_are_woken() -> anyhow::Result<Seen> {
    let semaphore = EventFd::from_flags(EfdFlags::EFD_SEMAPHORE | EfdFlags::EFD_CLOEXEC);
    let semaphore = semaphore.map_err(io::Error::from).context("eventfd")?;
    let (answer, teller) = io::pipe().context("pipe")?;
    let wait_and_tell = || {
        let taken = readiness::restart(|| Ok(semaphore.read()?)).context("wait for the semaphore")?;
        Ok(tell(&teller, &[unistd::getpid().as_raw(), taken.try_into()?])?)
    };
    let children = iter::repeat_with(|| Child::fork(wait_and_tell)).take(3).collect::<anyhow::Result<Vec<_>>>()?;
    let mut waiting: BTreeMap<_, _> = children.into_iter().map(|child| (child.pid(), child)).collect();

    let before = asleep(&waiting)?;
    let mut woken = Vec::new();
    for posts in [1, 2] {
        semaphore.write(posts).map_err(io::Error::from).context("post")?;
        let mut count = 0;
        for _ in 0..posts {
            let [pid, taken] = told(&answer)?;
            let Some(child) = waiting.remove(&pid) else { bail!("no child {pid} waits") };
            child.succeed()?;
            count += taken;
        }
        woken.push((count, asleep(&waiting)?));
    }
    let posts = woken.iter().map(|(count, waiting)| format!("a post wakes {count}, {} still wait", waiting.len()));
    let evidence = format!("{before} wait; {}", joined(posts, "; "));
    let as_noted = before == "SSS" && woken == [(1, "SS".to_owned()), (2, String::new())];
    Ok(Seen::holds(as_noted, evidence))
}

fn asleep<K>(children: &BTreeMap<K, Child>) -> anyhow::Result<String> {
    children.values().map(|child| settled(child.pid(), 'S')).collect()
}
