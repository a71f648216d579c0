//! Whether shared memory is the fastest: it spares the kernel the bytes, but not the switches of those who
//! wait for each other.
//!
//! What is compared is not time but what it cost: CPU time for each byte, switches for each round trip.
//!
//! Note: "共享内存区，最快的一种IPC方法". Go: `testing.B`. Man: pipe(7), futex(2), getrusage(2).

use std::fs::File;

use anyhow::{Context, bail};
use shared::harness::bench::{Meeting, Side};
use shared::harness::claims::{Check, Seen};
use shared::linux::cpu::{cpus, stay_on};

use super::MECHANISMS;
use shared::linux::child::Children;
use shared::linux::child::teller::Teller;
use shared::linux::usage::Usage;

pub const CHECKS: &[Check] = &[(3, is_shared_memory_the_fastest)];

/// All on one CPU: the other side runs when this one waits, and only then.
fn is_shared_memory_the_fastest() -> anyhow::Result<Seen> {
    stay_on(cpus()?.0)?;
    let (mut pipe, mut memory) = (i64::MAX, i64::MAX);
    for _ in 0..3 {
        // The least: what is to blame on others only adds to it.
        pipe = pipe.min(cost("pipe", stream, collect)?.cpu());
        memory = memory.min(cost("shared memory, futex", stream, collect)?.cpu());
    }
    let [pipe_switches, memory_switches] =
        [cost("pipe", ping, pong)?, cost("shared memory, futex", ping, pong)?].map(Usage::switches);
    let evidence = format!(
        "CPU time for {} MiB: pipe {pipe} us, shared memory {memory}; switches in {ROUND_TRIPS} round trips: \
         pipe {pipe_switches}, shared memory {memory_switches}",
        (BLOCKS * BLOCK) >> 20,
    );
    let as_many = memory_switches >= ROUND_TRIPS && memory_switches * 4 >= pipe_switches * 3;
    Ok(Seen::imprecise(memory < pipe, as_many, evidence))
}

const BLOCK: usize = 64 << 10;
const BLOCKS: usize = 256;
const ROUND_TRIPS: i64 = 1000;

type Work = fn(&mut dyn Side) -> anyhow::Result<()>;

/// What the work costs both sides.
fn cost(mechanism: &str, ours: Work, theirs: Work) -> anyhow::Result<Usage> {
    let mechanism = MECHANISMS.iter().find(|known| known.name == mechanism).context("no such mechanism")?;
    let Meeting::Process(mut side, stdin, stdout) = (mechanism.meet)()? else { bail!("it is for threads") };
    let children = Children::helpers();
    let child =
        Teller::fork(&children, || usage_of(&mut *(mechanism.join)(File::from(stdin), File::from(stdout))?, theirs))?;
    let ours = usage_of(&mut *side, ours)?;
    let theirs = child.hear()?;
    Ok(ours + theirs)
}

fn usage_of(side: &mut dyn Side, work: Work) -> anyhow::Result<Usage> {
    let before = Usage::now()?;
    work(side)?;
    Ok(Usage::now()? - before)
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

fn ping(side: &mut dyn Side) -> anyhow::Result<()> {
    for _ in 0..ROUND_TRIPS {
        side.send(&[1])?;
        side.receive(&mut [0])?;
    }
    Ok(())
}

fn pong(side: &mut dyn Side) -> anyhow::Result<()> {
    for _ in 0..ROUND_TRIPS {
        side.receive(&mut [0])?;
        side.send(&[1])?;
    }
    Ok(())
}
