//! Waits until processes have ended, of which this one is not the parent.
//!
//! wait(2) knows children only. A descriptor of any process becomes readable at its end, and goes on to mean that process
//! when its PID is another's. All are opened before the first wait. How a process ended the kernel tells its parent,
//! and since Linux 6.15 whoever has the descriptor; of a zombie, /proc tells it its own user.
//!
//! Note: 信号. Go: `os.Process.Wait`, which fails for what is no child. Man: pidfd_open(2), waitpid(1).

use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::Context;
use libc::pid_t;
use serde::Serialize;
use shared::harness::ready;
use shared::harness::report::Report;
use shared::linux::child::event::Event;
use shared::linux::failure::Failure;
use shared::linux::pidfd::PidFd;
use shared::linux::proc;
use shared::linux::stdio::stdout_is_open;

use crate::send;

#[derive(clap::Args)]
pub struct Args {
    /// The processes: all must have ended
    #[arg(required = true, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pids: Vec<pid_t>,
    /// A process that is not there has ended, instead of being an error
    #[arg(short, long)]
    exited: bool,
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = shared::harness::duration::limit)]
    timeout: Duration,
    #[command(flatten)]
    ready: ready::Args,
}

#[derive(Serialize)]
struct Record {
    pid: pid_t,
    /// Where the kernel tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    observed: Option<Event>,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    stdout_is_open()?;
    let processes = args.pids.iter().map(|&pid| hold(pid, args.exited)).collect::<anyhow::Result<Vec<_>>>()?;
    args.ready.waiting(format_args!("pids={}", listed(&args.pids)));
    let deadline = Instant::now().checked_add(args.timeout);
    let mut left = Vec::new();
    for (process, &pid) in processes.iter().zip(&args.pids) {
        match process {
            Some(process) if !process.ends_by(deadline).context("poll")? => left.push(pid),
            Some(process) => out.pairs(&Record { pid, observed: how(process)? })?,
            None => out.pairs(&Record { pid, observed: None })?,
        }
    }
    if left.is_empty() { Ok(()) } else { Err(Failure::Deadline(format!("still there: {}", listed(&left))).into()) }
}

/// Nothing, where it has gone already and may have.
fn hold(pid: pid_t, may_be_gone: bool) -> anyhow::Result<Option<PidFd>> {
    match send::open(pid) {
        Err(error) if may_be_gone && proc::is_gone(&error) => Ok(None),
        held => held.map(Some),
    }
}

fn listed(pids: &[pid_t]) -> String {
    pids.iter().map(pid_t::to_string).collect::<Vec<_>>().join(",")
}

// ANCHOR: how
/// The zombie is looked at first: whatever the descriptor tells then, the PID was not
/// another's yet.
fn how(process: &PidFd) -> anyhow::Result<Option<Event>> {
    let zombie = of_zombie(process.pid());
    let reaped = process.exit_status().context("ioctl PIDFD_GET_INFO")?;
    Ok(reaped.or(zombie).map(Event::from))
}
// ANCHOR_END: how

/// The last field of /proc/PID/stat, which is 0 for those who may not look at the process.
fn of_zombie(pid: pid_t) -> Option<ExitStatus> {
    let looked = fs::read_link(format!("/proc/{pid}/exe"));
    let may_look = !looked.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    let stat = proc::read(pid, "stat").ok().filter(|_| may_look)?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let status = fields.strip_prefix("Z ")?.trim_end().rsplit_once(' ')?.1;
    status.parse().ok().map(ExitStatus::from_raw)
}
