//! Which number a new process gets, and what it takes to end a process by its number.
//!
//! Threads take theirs out of the same series, which begins anew at the maximum (kernel.pid_max), not from 1, but
//! from 300, and goes on from where it was, past the numbers that are free again: it is not always one more than
//! the last (claim 17), and not the first that is free (claim 19).
//!
//! Note: 进程的标识. Go: `os.Getpid`. Man: fork(2), gettid(2), kernel.pid_max and kernel.ns_last_pid in
//! proc_sys_kernel(5), pid_namespaces(7).

pub mod kill;
pub mod rounds;

use std::sync::mpsc;

use anyhow::ensure;
use libc::pid_t;
use nix::unistd;
use serde::{Deserialize, Serialize};
use shared::harness::report::Report;
use shared::harness::showing::Showing;
use shared::linux::child::answer::{tell, telling, told};
use shared::linux::child::forked::{Forked, pause};
use shared::linux::failure::Failure;
use shared::linux::proc;
use shared::linux::thread::spawn;

use crate::namespace::with_own_pids;

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut showing = Showing::new(out);
    showing.record("processes and threads", processes_and_threads())?;
    showing.record("two numbers of one process", number_in_a_namespace())?;
    showing.record("the end of the series", rounds::rounds())?;
    showing.record("ended by number", kill::by_number())?;
    showing.finish()
}

const THREADS: usize = 5;

/// A process, its threads, and the process that was started after them.
#[derive(Serialize)]
pub struct Series {
    pub pid: pid_t,
    pub tids: [pid_t; THREADS],
    /// The threads whose numbers lead to the process, too.
    pub lead_to_the_process: usize,
    pub next_pid: pid_t,
}

pub fn processes_and_threads() -> anyhow::Result<Series> {
    let (process, answer) = telling(|teller| {
        let (sender, numbers) = mpsc::channel();
        let started = (0..THREADS).try_for_each(|_| {
            let sender = sender.clone();
            spawn(move || sender.send(unistd::gettid().as_raw()).map(|()| pause())).map(drop)
        });
        // Without its threads it tells of none.
        let numbers = started.map_or_else(|_| vec![0; THREADS], |()| numbers.iter().take(THREADS).collect());
        tell(teller, &numbers)?;
        pause()
    })?;
    let mut tids: [pid_t; THREADS] = told(&answer)?;
    ensure!(!tids.contains(&0), Failure::NoMoreProcesses("no threads can be started".into()));
    // ANCHOR: threads
    tids.sort_unstable();
    let next = Forked::new(|| Ok(()))?;
    let pid = process.pid().to_string();
    let mut lead_to_the_process = 0;
    for thread in tids {
        let process = proc::status(thread, "Tgid")?;
        lead_to_the_process += usize::from(process.as_ref() == Some(&pid));
    }
    // ANCHOR_END: threads
    Ok(Series { pid: process.pid(), tids, lead_to_the_process, next_pid: next.pid() })
}

/// Of the first process in a namespace: here and there.
#[derive(Serialize, Deserialize)]
pub struct TwoNumbers {
    pub pid: pid_t,
    pub pid_in_own_namespace: pid_t,
}

pub fn number_in_a_namespace() -> anyhow::Result<TwoNumbers> {
    with_own_pids(|| {
        let (child, answer) = telling(|teller| Ok(tell(teller, &[unistd::getpid().as_raw()])?))?;
        let [pid_in_own_namespace] = told(&answer)?;
        Ok(TwoNumbers { pid: child.pid(), pid_in_own_namespace })
    })
}
