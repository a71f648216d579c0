//! A process, its parent, and so on up to the root.
//!
//! The root is the first process of this PID namespace, PID 1, whose parent the namespace shows as 0: it is not
//! its own parent, as the note has it (claim 12), and it is a program as any other (claim 16). Not all are its
//! descendants (claim 11): the kernel's threads are those of PID 2.
//!
//! Note: 进程的标识 ("PID", "PPID"), 进程的衍生. Go: `os.Getpid`, `os.Getppid`. Man: getpid(2), credentials(7),
//! proc_pid_stat(5).

use std::io::PipeWriter;
use std::process;

use anyhow::Context;
use libc::pid_t;
use nix::unistd::{Pid, getpgid, getpid, getppid, getsid};
use serde::Serialize;
use shared::harness::claims::{Check, Seen, seen};
use shared::harness::report::Report;

use super::answer::{tell, telling, told};
use super::namespace;
use super::orphan::{Orphan, become_subreaper};
use super::possible::cannot_show;
use crate::child;
use crate::proc::{self, Stat};

#[derive(clap::Args)]
pub struct Args {
    /// The process to begin with; without it, this one
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    pid: Option<i32>,
    /// Print JSON lines
    #[arg(long)]
    pub json: bool,
}

pub const CHECKS: &[Check] = &[
    (11, not_all_descend_from_the_first),
    (12, the_first_has_no_parent),
    (16, the_first_runs_a_program),
    (20, both_numbers_are_told),
];

// ANCHOR: chain
pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut pid = args.pid.unwrap_or(process::id().cast_signed());
    while pid != 0 {
        match proc::must_be_a_process(pid).and_then(|()| proc::stat(pid)) {
            Err(_) if proc::hides(pid)? => return out.pairs(&Unseen::look(pid)?),
            stat => {
                let stat = stat?;
                out.pairs(&stat)?;
                pid = stat.ppid;
            }
        }
    }
    Ok(())
}
// ANCHOR_END: chain

/// A process that /proc hides (hidepid): system calls tell its group and session, but not its parent.
#[derive(Serialize)]
struct Unseen {
    pid: pid_t,
    pgid: pid_t,
    sid: pid_t,
    hidden: bool,
}

impl Unseen {
    fn look(pid: pid_t) -> anyhow::Result<Unseen> {
        let process = Some(Pid::from_raw(pid));
        let group = getpgid(process).with_context(|| format!("getpgid {pid}"))?;
        let session = getsid(process).with_context(|| format!("getsid {pid}"))?;
        Ok(Unseen { pid, pgid: group.as_raw(), sid: session.as_raw(), hidden: true })
    }
}

/// Without the kernel's threads, which only the first PID namespace shows, a child of ours has to do.
fn not_all_descend_from_the_first() -> anyhow::Result<Seen> {
    let all = proc::stats()?;
    let other_root = all.iter().find(|stat| stat.ppid == 0 && stat.pid != 1);
    let Some(root) = other_root else { return entered_from_outside() };
    let children = all.iter().filter(|stat| stat.ppid == root.pid).count();
    let evidence =
        format!("PID {} ({}) has PPID {}, and {children} children", root.pid, root.name.display(), root.ppid);
    Ok(Seen::refuted(root.pid != 1, evidence))
}

fn entered_from_outside() -> anyhow::Result<Seen> {
    namespace::unshare().map_err(|error| cannot_show("the kernel's threads are not to be seen", &error))?;
    let (_first, answer) = telling(|teller| {
        tell_ids(teller)?;
        child::pause()
    })?;
    let first: [pid_t; 2] = told(&answer)?;
    let (_second, answer) = telling(tell_ids)?;
    let second: [pid_t; 2] = told(&answer)?;
    let [one, other] = [first, second].map(|[pid, ppid]| format!("{pid} and {ppid}"));
    let evidence = format!("PID and PPID in a PID namespace of our own: first {one}, second {other}");
    Ok(Seen::refuted(first[0] == 1 && second[0] != 1 && second[1] != 1, evidence))
}

fn tell_ids(teller: &PipeWriter) -> anyhow::Result<()> {
    Ok(tell(teller, &[getpid(), getppid()].map(Pid::as_raw))?)
}

fn the_first_has_no_parent() -> anyhow::Result<Seen> {
    let first = first()?;
    Ok(Seen::refuted(first.ppid != first.pid, seen(&first)))
}

/// A kernel thread has no memory of its own, so that /proc tells nothing of it.
fn the_first_runs_a_program() -> anyhow::Result<Seen> {
    let (first, memory) = (first()?, proc::status(1, "VmSize")?);
    let evidence = format!("{}; its memory: {}", seen(&first), memory.as_deref().unwrap_or("none"));
    Ok(Seen::imprecise(first.ppid == 0, memory.is_some(), evidence))
}

fn first() -> anyhow::Result<Stat> {
    Ok(proc::stat(1).map_err(|error| cannot_show("PID 1 is not to be seen", &error))?)
}

/// By itself, a child, and an orphan, which has another parent than it was born by.
fn both_numbers_are_told() -> anyhow::Result<Seen> {
    let ours = [getpid(), getppid()].map(Pid::as_raw);
    become_subreaper(true)?;
    let orphan = Orphan::adopted(|| Ok(()))?;
    let in_proc = [recorded(process::id().cast_signed())?, recorded(orphan.pid)?];
    let told = [ours, [orphan.pid, orphan.ppid_after]];
    let list = |ids: [[pid_t; 2]; 2]| ids.map(|[pid, ppid]| format!("{pid} of {ppid}")).join(", ");
    let evidence = format!(
        "getpid, getppid: {}; in /proc: {}; {} was born of {}",
        list(told),
        list(in_proc),
        orphan.pid,
        orphan.ppid_before
    );
    let moved = orphan.ppid_before != orphan.ppid_after;
    orphan.end()?;
    Ok(Seen::holds(told == in_proc && moved, evidence))
}

fn recorded(pid: pid_t) -> anyhow::Result<[pid_t; 2]> {
    let stat = proc::stat(pid)?;
    Ok([stat.pid, stat.ppid])
}
