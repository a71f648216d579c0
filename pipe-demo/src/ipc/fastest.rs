//! Whether shared memory is the fastest: it spares the kernel the bytes, but not the switches of those who
//! wait for each other.
//!
//! What is compared is not time but what it cost: CPU time for each byte, switches for each round trip.
//!
//! Note: Golang笔记-多进程编程理论 ("共享内存区，最快的一种IPC方法"). Go: `testing.B`. Man: pipe(7), futex(2), getrusage(2).

use std::fs::File;

use anyhow::{Context, bail};
use serde::Serialize;
use shared::harness::bench::{Meeting, Side};
use shared::linux::cpu::{cpus, staying_on};

use crate::bench::MECHANISMS;
use shared::linux::child::{Children, exit_code, wait_for};
use shared::linux::usage::Usage;

#[derive(Serialize)]
pub struct Costs {
    pub mib: usize,
    pub pipe_cpu_us: i64,
    pub shared_memory_cpu_us: i64,
    pub round_trips: i64,
    pub pipe_switches: i64,
    pub shared_memory_switches: i64,
}

/// All on one CPU: the other side runs when this one waits, and only then.
pub fn compare() -> anyhow::Result<Costs> {
    staying_on(Some(cpus()?.0), || {
        let [mut pipe_cpu_us, mut shared_memory_cpu_us] = [i64::MAX; 2];
        let [mut pipe_switches, mut shared_memory_switches] = [i64::MAX; 2];
        for _ in 0..3 {
            // The least: what others are to blame for only adds to it.
            pipe_cpu_us = pipe_cpu_us.min(cost(PIPE, stream, collect, Usage::cpu)?);
            shared_memory_cpu_us = shared_memory_cpu_us.min(cost(MEMORY, stream, collect, Usage::cpu)?);
            pipe_switches = pipe_switches.min(cost(PIPE, ping, pong, Usage::switches)?);
            shared_memory_switches = shared_memory_switches.min(cost(MEMORY, ping, pong, Usage::switches)?);
        }
        let mib = (BLOCKS * BLOCK) >> 20;
        let round_trips = ROUND_TRIPS;
        Ok(Costs { mib, pipe_cpu_us, shared_memory_cpu_us, round_trips, pipe_switches, shared_memory_switches })
    })
}

const PIPE: &str = "pipe";
const MEMORY: &str = "shared memory, futex";
const BLOCK: usize = 4 << 10;
const BLOCKS: usize = 4096;
const ROUND_TRIPS: i64 = 1000;

type Work = fn(&mut dyn Side) -> anyhow::Result<()>;

/// What the work costs both sides. The other one counts from its fork on.
fn cost(mechanism: &str, ours: Work, theirs: Work, of: fn(Usage) -> i64) -> anyhow::Result<i64> {
    let mechanism = MECHANISMS.iter().find(|known| known.name == mechanism).context("no such mechanism")?;
    let Meeting::Process(mut side, stdin, stdout) = (mechanism.meet)()? else { bail!("it is for threads") };
    let (before, of_children) = (Usage::now()?, Usage::of_children()?);
    let children = Children::helpers();
    let mut other_side = (mechanism.join)(File::from(stdin), File::from(stdout))?;
    let child = children.fork(move || exit_code(theirs(&mut *other_side).context("the other side")))?;
    ours(&mut *side).with_context(|| format!("send through {}", mechanism.name))?;
    wait_for(child)?;
    children.finish(); // Reaped, it is counted.
    Ok(of(Usage::now()? - before) + of(Usage::of_children()? - of_children))
}

fn stream(side: &mut dyn Side) -> anyhow::Result<()> {
    let block = vec![1; BLOCK];
    (0..BLOCKS).try_for_each(|_| side.send(&block))?;
    Ok(side.receive(&mut [0])?)
}

fn collect(side: &mut dyn Side) -> anyhow::Result<()> {
    let mut block = vec![0; BLOCK];
    (0..BLOCKS).try_for_each(|_| side.receive(&mut block))?;
    Ok(side.send(&[1])?)
}

// ANCHOR: ping
fn ping(side: &mut dyn Side) -> anyhow::Result<()> {
    for _ in 0..ROUND_TRIPS {
        side.send(&[1])?;
        side.receive(&mut [0])?;
    }
    Ok(())
}
// ANCHOR_END: ping

fn pong(side: &mut dyn Side) -> anyhow::Result<()> {
    for _ in 0..ROUND_TRIPS {
        side.receive(&mut [0])?;
        side.send(&[1])?;
    }
    Ok(())
}
