//! A process, its parent, and so on up to the root; and what the kernel records of a process.
//!
//! The root is the first process of this PID namespace, PID 1, whose parent the namespace shows as 0: it is not
//! its own parent, as the note has it (claim 12), and it is a program as any other (claim 16). Not all are its
//! descendants (claim 11): the kernel's threads are those of PID 2.
//!
//! Note: 进程的标识 ("PID", "PPID"), 进程的衍生. Go: `os.Getpid`, `os.Getppid`. Man: getpid(2), credentials(7),
//! proc_pid_stat(5).

mod descriptor;
mod roots;

use std::process;

use anyhow::Context;
use libc::pid_t;
use nix::unistd::{Pid, getpgid, getpid, getppid, getsid};
use serde::Serialize;
use shared::harness::report::Report;
use shared::harness::showing::Showing;
use shared::linux::child::forked::become_subreaper;
use shared::linux::proc;

pub use self::descriptor::descriptors;
pub use self::roots::{first, roots};
use crate::orphan::Orphan;

#[derive(clap::Args)]
pub struct Args {
    /// Only the ancestors of this process
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    pid: Option<i32>,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    if let Some(pid) = args.pid {
        return ancestors(pid, out);
    }
    ancestors(process::id().cast_signed(), out)?;
    let mut showing = Showing::new(out);
    showing.record("the first process", first())?;
    showing.record("roots", roots())?;
    showing.records("descriptor", descriptors())?;
    showing.records("PID and PPID", both_numbers())?;
    showing.finish()
}

fn ancestors(mut pid: pid_t, out: &mut Report) -> anyhow::Result<()> {
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

/// What a process is told of itself, and what /proc says.
#[derive(Serialize)]
pub struct Numbers {
    pub getpid: pid_t,
    pub getppid: pid_t,
    pub pid_in_proc: pid_t,
    pub ppid_in_proc: pid_t,
}

// ANCHOR: numbers
/// Of this process, and of an orphan, which has another parent than it was born by.
pub fn both_numbers() -> anyhow::Result<[Numbers; 2]> {
    let own = Numbers::compared(getpid().as_raw(), getppid().as_raw())?;
    become_subreaper(true)?;
    let orphan = Orphan::adopted(|| Ok(()))?;
    become_subreaper(false)?;
    let orphans = Numbers::compared(orphan.pid, orphan.ppid_after)?;
    orphan.end()?;
    Ok([own, orphans])
}
// ANCHOR_END: numbers

impl Numbers {
    fn compared(getpid: pid_t, getppid: pid_t) -> anyhow::Result<Numbers> {
        let stat = proc::stat(getpid)?;
        Ok(Numbers { getpid, getppid, pid_in_proc: stat.pid, ppid_in_proc: stat.ppid })
    }

    pub fn agree(&self) -> bool {
        (self.getpid, self.getppid) == (self.pid_in_proc, self.ppid_in_proc)
    }
}
