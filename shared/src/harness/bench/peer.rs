//! The other side: this program as another process, or a thread.
//!
//! Man: sched_setaffinity(2).

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;

use anyhow::{Context, anyhow};
use nix::unistd::{Pid, getppid, gettid};
use serde::{Deserialize, Serialize};

use super::mechanism::{Mechanism, Side};
use super::work::Work;
use crate::linux::child::{Child, Children, this_program};
use crate::linux::cpu;
use crate::linux::failure::Failure;
use crate::linux::thread::spawn;

/// What the other process is told by [`Peer::process`].
#[derive(Debug, clap::Args)]
pub struct Args {
    /// JSON
    order: String,
}

#[derive(Serialize, Deserialize)]
struct Order<'a> {
    mechanism: &'a str,
    cpu: Option<usize>,
    work: Work,
}

/// The hidden command: the other side of one measurement, on stdin and stdout.
pub fn answer(args: &Args, mechanisms: &[Mechanism]) -> anyhow::Result<()> {
    let order: Order<'_> = serde_json::from_str(&args.order).map_err(|error| Failure::Usage(error.to_string()))?;
    let mechanism = mechanisms.iter().find(|mechanism| mechanism.name == order.mechanism);
    let mechanism = mechanism.ok_or_else(|| Failure::Usage(format!("no mechanism {}", order.mechanism)))?;
    order.cpu.map_or(Ok(()), cpu::stay_on)?;
    let stdin = io::stdin().as_fd().try_clone_to_owned().context("dup stdin")?;
    let stdout = io::stdout().as_fd().try_clone_to_owned().context("dup stdout")?;
    let mut side = (mechanism.join)(File::from(stdin), File::from(stdout))?;
    side.meet(getppid());
    let named = || format!("the other side of {}", mechanism.name);
    order.work.pong(&mut *side).with_context(named)
}

pub(super) enum Peer {
    Process(Child),
    Thread(Pid, JoinHandle<anyhow::Result<()>>),
}

impl Peer {
    pub(super) fn process(
        children: &Children,
        mechanism: &Mechanism,
        cpu: Option<usize>,
        work: Work,
        (stdin, stdout): (OwnedFd, OwnedFd),
    ) -> anyhow::Result<Peer> {
        let order = Order { mechanism: mechanism.name, cpu, work };
        let mut command = this_program()?;
        command.arg("bench-peer").arg(serde_json::to_string(&order)?).stdin(stdin).stdout(stdout);
        Ok(Peer::Process(children.spawn(&mut command)?))
    }

    pub(super) fn thread(mut side: Box<dyn Side>, cpu: Option<usize>, work: Work) -> anyhow::Result<Peer> {
        let (tell, told) = mpsc::channel();
        let thread = spawn(move || {
            tell.send(gettid()).context("tell the thread's ID")?;
            cpu.map_or(Ok(()), cpu::stay_on)?;
            work.pong(&mut *side)
        })?;
        Ok(Peer::Thread(told.recv().context("the thread has gone")?, thread))
    }

    pub(super) fn pid(&self) -> Pid {
        match self {
            Peer::Process(child) => Pid::from_raw(child.id()),
            Peer::Thread(tid, _) => *tid,
        }
    }

    /// Where the kernel shows its counters.
    pub(super) fn folder(&self) -> PathBuf {
        match self {
            Peer::Process(child) => format!("/proc/{}", child.id()).into(),
            Peer::Thread(tid, _) => format!("/proc/self/task/{tid}").into(),
        }
    }

    /// Waits until it has ended; fails unless it succeeded.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        match self {
            Peer::Process(child) => child.succeed("the other process"),
            Peer::Thread(_, thread) => thread.join().map_err(|_| anyhow!("the other thread panicked"))?,
        }
    }
}
