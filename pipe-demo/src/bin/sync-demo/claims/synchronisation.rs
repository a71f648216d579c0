//! The heading 关于同步: record in, verdict and evidence out.

use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use shared::harness::claims::{Check, Seen, go, joined, seen};
use shared::linux::answer::Outcome;
use shared::linux::at_once::deadline;

use crate::atomic::compare_and_swap::multiply;
use crate::atomic::{self, words};
use crate::exclusion::door::{self, visit};
use crate::exclusion::preempted::preempted;
use crate::interrupted::{calls, lost_without_interruption};
use crate::race::{self, How, race};

pub const CHECKS: &[Check] = &[
    (62, updates_are_lost),
    (63, interruption_is_the_root),
    (64, uninterruptible_is_atomic),
    (71, preempted_inside),
    (65, nothing_interrupts_system_calls),
    (66, one_instruction),
    (67, safe_and_fast),
    (68, for_simple_things),
    (69, one_visitor_at_a_time),
    (70, independent_of_the_cpu),
];

const PROCESSES: u64 = 4;
const UPDATES: u64 = 100;

/// If one was through before the next began, they race again.
fn unprotected() -> anyhow::Result<race::Outcome> {
    let mut outcome = race(How::Plain, PROCESSES, UPDATES)?;
    for _ in 0..100 {
        if outcome.lost > 0 {
            break;
        }
        outcome = race(How::Plain, PROCESSES, UPDATES)?;
    }
    Ok(outcome)
}

fn updates_are_lost() -> anyhow::Result<Seen> {
    let (plain, atomic) = (unprotected()?, race(How::Atomic, PROCESSES, UPDATES)?);
    Ok(Seen::holds(plain.lost > 0 && atomic.lost == 0, joined([seen(&plain), seen(&atomic)], "; ")))
}

fn interruption_is_the_root() -> anyhow::Result<Seen> {
    let counted = lost_without_interruption()?;
    Ok(Seen::refuted(counted.switches == 0 && counted.lost > 0, seen(&counted)))
}

fn uninterruptible_is_atomic() -> anyhow::Result<Seen> {
    let deadline = deadline();
    let (divided, alone) = (atomic::interruptible(deadline)?, atomic::uninterruptible(deadline)?);
    let (plain, locked) = (atomic::not_atomic(deadline)?, atomic::locked(deadline)?);
    // Interrupts do divide three instructions, and not one, where the CPU has it: so much for uninterruptible.
    let is_whole = alone.as_ref().is_none_or(|alone| alone.lost == 0 && alone.switches > 0);
    let is_uninterruptible = divided.lost > 0 && is_whole && plain.switches == 0;
    let is_atomic = plain.lost == 0 || locked.lost > 0;
    let all = [Some(divided), alone, Some(plain), Some(locked)];
    let evidence = joined(all.iter().flatten().map(seen), "; ");
    Ok(Seen::refuted(is_uninterruptible && !is_atomic, evidence))
}

fn preempted_inside() -> anyhow::Result<Seen> {
    let record = preempted()?;
    let outside = record.other_waits && !record.other_got_in && record.other_got_in_later;
    Ok(Seen::holds(record.switches_inside > 0 && outside, seen(&record)))
}

fn nothing_interrupts_system_calls() -> anyhow::Result<Seen> {
    let [read, write] = calls()?;
    let failed = read.returned == Outcome::Failed(Errno::EINTR) && read.signals > 0;
    let partly = matches!(write.returned, Outcome::Done(count) if 0 < count && count < write.asked);
    Ok(Seen::refuted(failed && partly, joined([seen(&read), seen(&write)], "; ")))
}

/// An addition is one; a multiplication is compare-and-swap, which is the chip's, too, in a loop.
fn one_instruction() -> anyhow::Result<Seen> {
    let (added, multiplied) = (race(How::Atomic, PROCESSES, UPDATES)?, multiply(deadline())?);
    let exception = multiplied.as_alone && multiplied.retries > 0;
    Ok(Seen::imprecise(added.lost == 0, exception, joined([seen(&added), seen(&multiplied)], "; ")))
}

fn safe_and_fast() -> anyhow::Result<Seen> {
    let deadline = deadline();
    let (added, cost) = (race(How::Atomic, 2, 50_000)?, words::cost()?);
    let (plain, mutex) = (words::move_to_and_fro(false, deadline)?, words::move_to_and_fro(true, deadline)?);
    let evidence = joined([seen(&added), seen(&cost), seen(&plain), seen(&mutex)], "; ");
    let as_noted = added.lost == 0 && cost.atomic_us < cost.mutex_us;
    Ok(Seen::imprecise(as_noted, plain.wrong_sums > 0 && mutex.wrong_sums == 0, evidence))
}

/// What Go's sync/atomic does to one number, and to two that belong together.
#[derive(Serialize, Deserialize)]
struct Atomic {
    adds: u32,
    lost_adds: u32,
    looks: u32,
    wrong_sums_by_atomics: u32,
    wrong_sums_by_mutex: u32,
}

fn for_simple_things() -> anyhow::Result<Seen> {
    let atomic: Atomic = go::record()?;
    let simple = atomic.lost_adds == 0;
    let no_more = atomic.wrong_sums_by_atomics > 0 && atomic.wrong_sums_by_mutex == 0;
    Ok(Seen::holds(simple && no_more, seen(&atomic)))
}

fn one_visitor_at_a_time() -> anyhow::Result<Seen> {
    let [mutex, token] = [How::Mutex, How::Token].map(|how| race(how, PROCESSES, UPDATES));
    let (plain, mutex, token) = (unprotected()?, mutex?, token?);
    let alone = [&mutex, &token].iter().all(|race| race.most_inside == Some(1) && race.lost == 0);
    let evidence = joined([&plain, &mutex, &token].map(seen), "; ");
    Ok(Seen::holds(alone && plain.most_inside > Some(1), evidence))
}

fn independent_of_the_cpu() -> anyhow::Result<Seen> {
    let deadline = deadline();
    let (plain, fence) = (visit(door::How::PlainReadsAndWrites, deadline)?, visit(door::How::Fence, deadline)?);
    Ok(Seen::refuted(plain.both_inside > 0 && fence.both_inside == 0, joined([seen(&plain), seen(&fence)], "; ")))
}
