//! S: asleep until something happens, or a signal comes.
//!
//! Note: 进程的状态 ("可中断的睡眠状态"). Go: `golang.org/x/sync/semaphore`. Man: pause(2), eventfd(2).

use std::collections::BTreeMap;
use std::io;
use std::iter;

use anyhow::{Context, bail};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd;
use serde::Serialize;
use shared::linux::child::answer::{tell, told};
use shared::linux::child::forked::{Forked, pause};
use shared::linux::readiness;

use super::settled::{becomes, settled};

pub fn pausing() -> anyhow::Result<Forked> {
    settled(Forked::new(pause)?, 'S')
}

/// Three wait at a semaphore; it is posted by 1, then by 2.
#[derive(Serialize)]
pub struct AtSemaphore {
    pub waiting: usize,
    pub woken_by_1: i32,
    pub still_waiting: usize,
    pub woken_by_2: i32,
    pub then_waiting: usize,
}

pub fn at_a_semaphore() -> anyhow::Result<AtSemaphore> {
    let semaphore = EventFd::from_flags(EfdFlags::EFD_SEMAPHORE | EfdFlags::EFD_CLOEXEC);
    let semaphore = semaphore.context("eventfd")?;
    let (answer, teller) = io::pipe().context("pipe")?;
    let wait_and_tell = || {
        let taken = readiness::restart(|| Ok(semaphore.read()?)).context("wait for the semaphore")?;
        Ok(tell(&teller, &[unistd::getpid().as_raw(), taken.try_into()?])?)
    };
    let children = iter::repeat_with(|| Forked::new(wait_and_tell)).take(3).collect::<anyhow::Result<Vec<_>>>()?;
    drop(teller); // Or the end of a child that fails would not be noticed.
    let mut waiting: BTreeMap<_, _> = children.into_iter().map(|child| (child.pid(), child)).collect();

    let all = asleep(&waiting)?;
    let mut post = |posts: u64| {
        semaphore.write(posts).context("post")?;
        let mut woken = 0;
        for _ in 0..posts {
            let [pid, taken] = told(&answer)?;
            let Some(child) = waiting.remove(&pid) else { bail!("no child {pid} waits") };
            child.succeed()?;
            woken += taken;
        }
        Ok((woken, asleep(&waiting)?))
    };
    let (woken_by_1, still_waiting) = post(1)?;
    let (woken_by_2, then_waiting) = post(2)?;
    Ok(AtSemaphore { waiting: all, woken_by_1, still_waiting, woken_by_2, then_waiting })
}

/// How many are, which all should be.
fn asleep<K>(children: &BTreeMap<K, Forked>) -> anyhow::Result<usize> {
    children.values().try_for_each(|child| becomes(child.pid(), 'S').map(drop)).map(|()| children.len())
}
