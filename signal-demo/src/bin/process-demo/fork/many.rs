//! How many children a process has at one time.
//!
//! Note: 进程的衍生. Go: none. Man: fork(2), RLIMIT_NPROC in getrlimit(2).

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use libc::{WEXITED, WNOHANG, WNOWAIT};
use nix::unistd::{Pid, getpid, getppid};
use serde::Serialize;
use shared::linux::child::event::waitid;
use shared::linux::child::{Children, end_of};
use shared::linux::gate::Gate;

const MANY: usize = 20;

#[derive(Serialize)]
pub struct Many {
    pub forks: usize,
    pub alive_at_one_time: usize,
    /// Those whose PPID is our PID.
    pub with_our_pid_as_ppid: usize,
}

/// They all wait at a gate, and so live at one time.
pub fn many_children() -> anyhow::Result<Many> {
    const GATE_BROKE: u8 = 2;
    let (children, gate, us) = (Children::helpers(), Gate::new()?, getpid());
    let is_ours = || gate.pass().map_or(GATE_BROKE, |()| u8::from(getppid() != us));
    let fork = || children.fork(is_ours);
    let forked = (0..MANY).map(|_| fork()).collect::<anyhow::Result<BTreeSet<Pid>>>()?;
    let mut many = Many { forks: MANY, alive_at_one_time: 0, with_our_pid_as_ppid: 0 };
    for &child in &forked {
        let has_ended =
            waitid(child.as_raw(), WEXITED | WNOWAIT | WNOHANG).with_context(|| format!("wait for {child}"))?;
        many.alive_at_one_time += usize::from(has_ended.is_none());
    }
    gate.open(MANY)?;
    for child in forked {
        let end = end_of(child)?;
        match end.code() {
            Some(code @ (0 | 1)) => many.with_our_pid_as_ppid += usize::from(code == 0),
            _ => bail!("child {child} failed: {end}"),
        }
    }
    Ok(many)
}
