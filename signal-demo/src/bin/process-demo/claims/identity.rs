//! 进程的标识

use libc::SIGTERM;
use nix::unistd::geteuid;
use shared::harness::claims::{Check, Seen, joined, seen};
use shared::linux::child::event::Event;
use shared::linux::failure::possible;

use crate::ids::{Numbers, both_numbers, descriptors, first};
use crate::orphan;
use crate::pids::kill::by_number;
use crate::pids::rounds::rounds;
use crate::pids::{number_in_a_namespace, processes_and_threads};

pub const CHECKS: &[Check] = &[
    (14, all_of_it_is_recorded),
    (15, one_process_has_many_numbers),
    (16, the_first_runs_a_program),
    (204, none_is_negative),
    (17, numbers_are_left_out),
    (18, a_number_is_given_again),
    (19, the_series_begins_at_300),
    (20, both_numbers_are_told),
    (22, a_daemon_is_found_by_its_ppid),
    (24, it_only_sends),
];

fn all_of_it_is_recorded() -> anyhow::Result<Seen> {
    let descriptors = descriptors()?;
    let [before, after] = &descriptors;
    // One step less important, if there is one left.
    let changed = after.nice == (before.nice + 1).min(19) && after.umask == "0123";
    let recorded = after.state == 'R' && after.euid == geteuid().as_raw() && after.its_memory.is_some();
    Ok(Seen::holds(changed && recorded, joined(descriptors.iter().map(seen), "; ")))
}

fn one_process_has_many_numbers() -> anyhow::Result<Seen> {
    let series = processes_and_threads()?;
    let one_each = series.pid != series.next_pid && !series.tids.contains(&series.next_pid);
    let elsewhere = match possible(number_in_a_namespace())? {
        Ok(numbers) => seen(&numbers),
        Err(why) => why,
    };
    Ok(Seen::imprecise(one_each, series.lead_to_the_process > 0, format!("{}; {elsewhere}", seen(&series))))
}

/// A thread of the kernel's has no memory of its own.
fn the_first_runs_a_program() -> anyhow::Result<Seen> {
    let first = first()?;
    Ok(Seen::imprecise(first.ppid == 0, first.memory_kib.is_some(), seen(&first)))
}

/// Nobody's parent is process 0, which is no negative number either.
fn none_is_negative() -> anyhow::Result<Seen> {
    let (series, first) = (processes_and_threads()?, first()?);
    let numbers = series.tids.into_iter().chain([series.pid, series.next_pid, first.pid]);
    let positive = numbers.into_iter().all(|number| number > 0);
    Ok(Seen::holds(positive && first.ppid == 0, format!("{}; {}", seen(&series), seen(&first))))
}

/// That a thread's number lies between those of two processes is enough: that number was no process's.
fn numbers_are_left_out() -> anyhow::Result<Seen> {
    let series = processes_and_threads()?;
    let (process, next) = (series.pid, series.next_pid);
    let left_out = series.tids.iter().any(|&thread| process < thread && thread < next);
    let (smaller, rounds) = match possible(rounds())? {
        Ok(rounds) => (!rounds.first_pids.is_sorted(), seen(&rounds)),
        Err(why) => (false, why),
    };
    Ok(Seen::refuted(left_out || next < process || smaller, format!("{}; {rounds}", seen(&series))))
}

fn a_number_is_given_again() -> anyhow::Result<Seen> {
    let rounds = rounds()?;
    Ok(Seen::holds(rounds.second_pids.iter().any(|pid| rounds.first_pids.contains(pid)), seen(&rounds)))
}

/// When the series begins anew, it leaves out the numbers below 300 and those in use; and it does not look back.
fn the_series_begins_at_300() -> anyhow::Result<Seen> {
    let rounds = rounds()?;
    let [_, last, anew] = rounds.first_pids;
    let as_noted = last == rounds.maximum - 1 && anew < last && rounds.second_pids[2] == anew + 1;
    Ok(Seen::imprecise(as_noted, rounds.free_below > 0 && rounds.next_pid != anew, seen(&rounds)))
}

fn both_numbers_are_told() -> anyhow::Result<Seen> {
    let numbers = both_numbers()?;
    let evidence = joined(numbers.iter().map(seen), "; ");
    let [_, orphan] = &numbers;
    let moved = orphan.getppid == std::process::id().cast_signed();
    Ok(Seen::holds(numbers.iter().all(Numbers::agree) && moved, evidence))
}

fn a_daemon_is_found_by_its_ppid() -> anyhow::Result<Seen> {
    let daemon = orphan::daemon()?;
    Ok(Seen::holds(daemon.is_among_them && daemon.ppid_after != daemon.ppid_before, seen(&daemon)))
}

fn it_only_sends() -> anyhow::Result<Seen> {
    let ended = by_number()?;
    let exception = ended.ignoring == Event::Exited(0) && ended.pidfd_finds_zombie && !ended.pidfd_finds_reaped;
    Ok(Seen::imprecise(ended.by_default == Event::killed_by(SIGTERM), exception, seen(&ended)))
}
