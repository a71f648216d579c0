//! The first process, and who is not its descendant.
//!
//! Note: 进程的衍生 ("根"), 进程的标识. Go: none. Man: proc_pid_status(5), pid_namespaces(7).

use anyhow::Context;
use libc::pid_t;
use serde::Serialize;
use shared::linux::child::answer::{telling, told};
use shared::linux::child::forked::{Forked, pause};
use shared::linux::failure::cannot_show;
use shared::linux::proc;

use crate::namespace::with_own_pids;
use crate::orphan::tell_identity;

#[derive(Serialize)]
pub struct FirstProcess {
    pub pid: pid_t,
    pub ppid: pid_t,
    pub name: String,
    /// Absent of a thread of the kernel, which has no memory of its own.
    pub memory_kib: Option<u64>,
}

pub fn first() -> anyhow::Result<FirstProcess> {
    let stat = proc::stat(1).map_err(|error| cannot_show("PID 1 is not to be seen", &error))?;
    let memory = proc::status(1, "VmSize")?;
    let memory_kib =
        memory.map(|memory| memory.trim_end_matches(" kB").parse()).transpose().context("VmSize of PID 1")?;
    Ok(FirstProcess { pid: stat.pid, ppid: stat.ppid, name: stat.name.display().to_string(), memory_kib })
}

/// A process without a parent here, beside the first: PID 2, the ancestor of the kernel's threads; or where these are
/// not to be seen, a process that came from outside into a PID namespace of its own.
#[derive(Serialize)]
pub struct OtherRoot {
    pub pid: pid_t,
    pub ppid: pid_t,
    pub children: Option<usize>,
}

// ANCHOR: roots
/// Without the kernel's threads, which only the first PID namespace shows, a child of
/// ours has to do.
pub fn roots() -> anyhow::Result<OtherRoot> {
    let all = proc::stats()?;
    let other = all.iter().find(|stat| stat.ppid == 0 && stat.pid != 1);
    let Some(root) = other else { return entered_from_outside() };
    let children = all.iter().filter(|stat| stat.ppid == root.pid).count();
    Ok(OtherRoot { pid: root.pid, ppid: root.ppid, children: Some(children) })
}
// ANCHOR_END: roots

/// The second child: the first lives, and is PID 1.
fn entered_from_outside() -> anyhow::Result<OtherRoot> {
    let second = with_own_pids(|| {
        let _first = Forked::new(pause)?;
        let (_second, answer) = telling(tell_identity)?;
        told::<2>(&answer)
    });
    let [pid, its_ppid] = second.map_err(|error| cannot_show("the kernel's threads are not to be seen", &error))?;
    Ok(OtherRoot { pid, ppid: its_ppid, children: None })
}
