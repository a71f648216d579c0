//! The other side: this program as another process, or a thread.
//!
//! It cannot outlive this process, and is waited for whatever happens.
//!
//! Man: PR_SET_PDEATHSIG in prctl(2), waitid(2).

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, abort};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow, ensure};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, getpid, getppid, gettid};
use serde::{Deserialize, Serialize};

use super::work::Work;
use super::{Mechanism, Side, placement};
use crate::harness::report::{Failure, narrate};
use crate::linux::readiness::restart;

/// What the other process is told: hidden, for [`Peer::process`].
#[derive(Debug, clap::Args)]
pub struct Args {
    /// JSON
    order: String,
}

#[derive(Serialize, Deserialize)]
struct Order<'a> {
    parent: i32,
    mechanism: &'a str,
    cpu: Option<usize>,
    work: Work,
}

/// The hidden command: the other side of one measurement, on stdin and stdout.
pub fn answer(args: &Args, mechanisms: &[Mechanism]) -> anyhow::Result<()> {
    let order: Order<'_> = serde_json::from_str(&args.order).map_err(|error| Failure::Usage(error.to_string()))?;
    let mechanism = mechanisms.iter().find(|mechanism| mechanism.name == order.mechanism);
    let mechanism = mechanism.ok_or_else(|| Failure::Usage(format!("no mechanism {}", order.mechanism)))?;
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(io::Error::from).context("PR_SET_PDEATHSIG")?;
    if getppid().as_raw() != order.parent {
        abort();
    }
    order.cpu.map_or(Ok(()), placement::stay_on)?;
    let stdin = io::stdin().as_fd().try_clone_to_owned().context("duplicate stdin")?;
    let stdout = io::stdout().as_fd().try_clone_to_owned().context("duplicate stdout")?;
    let mut side = (mechanism.join)(File::from(stdin), File::from(stdout))?;
    side.meet(getppid());
    let named = || format!("the other side of {}", mechanism.name);
    order.work.pong(&mut *side).with_context(named)
}

/// The one process there is at any time, for whoever must end it: also a thread that handles Ctrl-C.
static PROCESS: Mutex<Option<Child>> = Mutex::new(None);

/// Ends the other process, if there is one.
pub(super) fn end() {
    if let Some(mut child) = PROCESS.lock().unwrap_or_else(PoisonError::into_inner).take()
        && let Err(error) = child.kill().and_then(|()| child.wait())
    {
        narrate(format_args!("end process {}: {error}", child.id()));
    }
}

pub(super) enum Peer {
    Process(Pid),
    Thread(Pid, JoinHandle<anyhow::Result<()>>),
}

impl Peer {
    /// Starts this program again.
    pub(super) fn process(
        mechanism: &Mechanism,
        cpu: Option<usize>,
        work: Work,
        (stdin, stdout): (OwnedFd, OwnedFd),
    ) -> anyhow::Result<Peer> {
        let order = Order { parent: getpid().as_raw(), mechanism: mechanism.name, cpu, work };
        let mut command = Command::new("/proc/self/exe");
        command.arg("bench-peer").arg(serde_json::to_string(&order)?).stdin(stdin).stdout(stdout);
        let mut running = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn().context("start /proc/self/exe")?;
        let pid = Pid::from_raw(child.id().try_into()?);
        *running = Some(child);
        Ok(Peer::Process(pid))
    }

    pub(super) fn thread(mut side: Box<dyn Side>, cpu: Option<usize>, work: Work) -> anyhow::Result<Peer> {
        let (tell, told) = mpsc::channel();
        let thread = thread::Builder::new().name("peer".into()).spawn(move || {
            tell.send(gettid()).context("tell the thread's ID")?;
            cpu.map_or(Ok(()), placement::stay_on)?;
            work.pong(&mut *side)
        });
        let thread = thread.context("start a thread")?;
        Ok(Peer::Thread(told.recv().context("the thread has gone")?, thread))
    }

    pub(super) fn pid(&self) -> Pid {
        match self {
            Peer::Process(pid) | Peer::Thread(pid, _) => *pid,
        }
    }

    /// Where the kernel shows its counters.
    pub(super) fn folder(&self) -> PathBuf {
        match self {
            Peer::Process(pid) => format!("/proc/{pid}").into(),
            Peer::Thread(tid, _) => format!("/proc/self/task/{tid}").into(),
        }
    }

    /// Waits for its end, which must be a good one.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        match self {
            Peer::Process(pid) => {
                // Without the lock, so that somebody else can end what never ends by itself.
                let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
                restart(|| Ok(waitid(Id::Pid(pid), ended)?)).context("wait for the other process")?;
                let child = PROCESS.lock().unwrap_or_else(PoisonError::into_inner).take();
                let mut child = child.context("the other process was ended")?;
                let status = child.wait().context("wait for the other process")?;
                ensure!(status.success(), "the other process: {status}");
                Ok(())
            }
            Peer::Thread(_, thread) => thread.join().map_err(|_| anyhow!("the other thread panicked"))?,
        }
    }
}
