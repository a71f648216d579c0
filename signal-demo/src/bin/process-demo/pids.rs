//! Which number a new process gets.
//!
//! Threads take theirs out of the same series, which begins anew at the maximum (kernel.pid_max), not from 1, but
//! from 300, and goes on from where it was, past the numbers that are free again: it is not always one more than
//! the last (claim 17), and not the first that is free (claim 19).
//!
//! Note: 进程的标识. Go: `os.Getpid`. Man: fork(2), gettid(2), kernel.pid_max and kernel.ns_last_pid in
//! proc_sys_kernel(5), pid_namespaces(7).

use std::fs::{self, File};
use std::io::{self, PipeReader};
use std::os::unix::fs::FileExt;

use anyhow::Context;
use libc::pid_t;
use nix::errno::Errno;
use nix::unistd::{self, Pid};
use shared::harness::claims::{Check, Seen, joined};
use shared::linux::failure::Failure;
use shared::linux::thread::spawn;

use super::answer::{await_turn, tell, telling, told};
use super::namespace;
use super::possible::possible;
use crate::child::{self, Child};
use crate::proc;

pub const CHECKS: &[Check] = &[
    (15, one_process_has_many_numbers),
    (17, numbers_are_left_out),
    (18, a_number_is_given_again),
    (19, the_series_begins_at_300),
];

const THREADS: usize = 5;

/// The number given last, of the PID namespace of whoever reads or writes it.
const COUNTER: &str = "/proc/sys/kernel/ns_last_pid";

/// A process, its threads, and the process that was started after them.
struct Series {
    process: pid_t,
    threads: [pid_t; THREADS],
    /// To which process each thread's number leads.
    leads_to: Vec<String>,
    next: pid_t,
}

fn processes_and_threads() -> anyhow::Result<Series> {
    let (turn, end) = io::pipe().context("pipe")?;
    let (process, answer) = telling(|teller| {
        child::close_copy(&end)?;
        for _ in 0..THREADS {
            let (teller, turn) = (teller.try_clone()?, turn.try_clone()?);
            let work = move || tell(&teller, &[unistd::gettid().as_raw()]).and_then(|()| await_turn(&turn));
            spawn(work)?;
        }
        await_turn(&turn)?;
        Ok(())
    })?;
    let mut threads: [pid_t; THREADS] = told(&answer)?;
    threads.sort_unstable();
    let next = Child::fork(|| Ok(()))?;
    let leads_to = |&thread: &pid_t| proc::status(thread, "Tgid")?.context("no Tgid in /proc/TID/status");
    let leads_to = threads.iter().map(leads_to).collect::<anyhow::Result<_>>()?;
    Ok(Series { process: process.pid(), threads, leads_to, next: next.pid() })
}

fn one_process_has_many_numbers() -> anyhow::Result<Seen> {
    let Series { process, threads, leads_to, next } = processes_and_threads()?;
    let one_each = process != next && !threads.contains(&next);
    let same = leads_to.iter().filter(|number| **number == process.to_string()).count();
    let elsewhere = match possible(number_in_a_namespace())? {
        Ok([pid, there]) => format!("{pid} is {there} in its own PID namespace"),
        Err(why) => why,
    };
    let evidence = format!(
        "two at one time: {process} and {next}; of {} {same} lead to {process} too; {elsewhere}",
        joined(threads, " ")
    );
    Ok(Seen::imprecise(one_each, same > 0, evidence))
}

/// Of the first process in a namespace: here and there.
fn number_in_a_namespace() -> anyhow::Result<[pid_t; 2]> {
    namespace::unshare()?;
    let (child, answer) = telling(|teller| Ok(tell(teller, &[unistd::getpid().as_raw()])?))?;
    let [there] = told(&answer)?;
    Ok([child.pid(), there])
}

/// That a thread's number lies between those of two processes is enough: that number was no process's.
fn numbers_are_left_out() -> anyhow::Result<Seen> {
    let Series { process, threads, next, .. } = processes_and_threads()?;
    let left_out = threads.iter().any(|&thread| process < thread && thread < next);
    let (smaller, rounds) = match possible(rounds())? {
        Ok(Rounds { first, .. }) => (!first.is_sorted(), format!("at the maximum {}", joined(first, " "))),
        Err(why) => (false, why),
    };
    let evidence =
        format!("process {process}, its threads {}, the next process {next}; {rounds}", joined(threads, " "));
    Ok(Seen::refuted(left_out || next < process || smaller, evidence))
}

fn a_number_is_given_again() -> anyhow::Result<Seen> {
    let Rounds { first, second, .. } = rounds()?;
    let again = second.iter().filter(|pid| first.contains(pid)).count();
    let (first, second) = (joined(first, " "), joined(second, " "));
    let evidence = format!("{first}; the counter set back, all but the last reaped: {second}, {again} of them again");
    Ok(Seen::holds(again > 0, evidence))
}

/// Begun anew it does not take the numbers below 300; it skips those in use; and it does not look back.
fn the_series_begins_at_300() -> anyhow::Result<Seen> {
    let Rounds { max, first, free_below, second, after } = rounds()?;
    let [_, last, anew] = first;
    let as_noted = last == max - 1 && anew < last && second[2] == anew + 1;
    let evidence = format!(
        "maximum {max}: {}, {free_below} free below {anew}; with {anew} alive: {}; then, without it: {after}",
        joined(first, " "),
        joined(second, " "),
    );
    Ok(Seen::imprecise(as_noted, free_below > 0 && after != anew, evidence))
}

/// The numbers given in a PID namespace of our own from just before its maximum on.
struct Rounds {
    max: pid_t,
    /// The last of them stays alive for the second round.
    first: [pid_t; 3],
    /// So many below that one nobody has.
    free_below: i32,
    second: [pid_t; 3],
    /// The next number, when all these are free again.
    after: pid_t,
}

fn rounds() -> anyhow::Result<Rounds> {
    // Opened here, where it can be told why if it cannot be; it is the writer's own namespace whose counter is set.
    let counter = File::options().write(true).open(COUNTER);
    let counter = counter.map_err(|error| Failure::CannotShow(format!("open {COUNTER}: {error}")))?;
    namespace::unshare()?;
    let (child, answer) = telling(|teller| {
        let max = maximum()?;
        let (first, living) = round(&counter, max)?;
        let free_below = free(living.pid());
        let (second, next) = round(&counter, max)?;
        drop((living, next));
        let after = Child::fork(|| Ok(()))?.pid();
        Ok(tell(teller, &[&[max], &first[..], &[free_below], &second, &[after]].concat())?)
    })?;
    child.succeed()?;
    Ok(Rounds {
        max: told_one(&answer)?,
        first: told(&answer)?,
        free_below: told_one(&answer)?,
        second: told(&answer)?,
        after: told_one(&answer)?,
    })
}

fn told_one(answer: &PipeReader) -> anyhow::Result<i32> {
    told(answer).map(|[number]| number)
}

// ANCHOR: round
/// The counter is set back to where the next number is the last but one. The third child still lives.
fn round(counter: &File, max: pid_t) -> anyhow::Result<([pid_t; 3], Child)> {
    let last = (max - 3).to_string();
    counter.write_all_at(last.as_bytes(), 0).with_context(|| format!("write {last} to {COUNTER}"))?;
    let [one, two] = [Child::fork(|| Ok(()))?.pid(), Child::fork(|| Ok(()))?.pid()];
    let three = Child::fork(child::pause)?;
    Ok(([one, two, three.pid()], three))
}
// ANCHOR_END: round

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
