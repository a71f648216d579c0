//! Sends a signal to a process that is held by a descriptor, so that its PID cannot become another's meanwhile.
//!
//! Go's `os.FindProcess` finds every PID, alive or not (claim 134), and the note's pipeline of ps and grep finds every
//! process with the name anywhere in its command line. Signal 0 is not delivered: it asks whether the process
//! is there and may be signalled.
//!
//! Note: 信号. Go: `os.Process.Signal`. Man: pidfd_open(2), pidfd_send_signal(2).

use std::ffi::{OsStr, OsString};
use std::io;
use std::process;

use anyhow::{Context, anyhow, bail};
use libc::{c_int, pid_t};
use serde::Serialize;
use shared::harness::offers::Offers;
use shared::harness::report::Report;
use shared::linux::failure::Failure;
use shared::linux::pidfd::PidFd;
use shared::linux::proc;
use shared::linux::stdio::stdout_is_open;

use crate::signal::{self, Signal};

#[derive(clap::Args)]
#[command(override_usage = "signal-demo send [OPTIONS] <PID> <SIGNAL>\n       \
                            signal-demo send [OPTIONS] --name <NAME> <SIGNAL>")]
pub struct Args {
    /// The process, unless --name tells it, and the signal by any of its names or its number; 0 only asks
    #[arg(required = true, num_args = 1..=2, value_names = ["PID", "SIGNAL"],
        value_parser = Offers(signal::offered), hide_possible_values = true)]
    words: Vec<String>,
    /// The one process of this name: as `ids` shows it, or what its command line begins with
    #[arg(long)]
    name: Option<OsString>,
    /// Queue the signal with this value
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    value: Option<c_int>,
}

#[derive(Serialize)]
struct Record {
    /// None is signal 0.
    signal: Option<Signal>,
    number: c_int,
    pid: pid_t,
    name: Option<String>,
    value: Option<c_int>,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    stdout_is_open()?;
    let (signal, process) = match (&args.name, &args.words[..]) {
        (Some(name), [signal]) => (parse_signal(signal)?, only_one_named(name)?),
        (None, [pid, signal]) => (parse_signal(signal)?, open(parse_pid(pid)?)?),
        (Some(_), _) => return Err(Failure::Usage("a process and --name: which of them?".to_owned()).into()),
        (None, _) => return Err(Failure::Usage("a PID or --name, and a signal".to_owned()).into()),
    };
    let (pid, number) = (process.pid(), signal.map_or(0, Signal::number));
    process.send(number, args.value).with_context(|| format!("send {} to {pid}", signal::name(number)))?;
    let name = args.name.as_ref().map(|name| name.display().to_string());
    out.pairs(&Record { signal, number, pid, name, value: args.value })
}

fn parse_signal(text: &str) -> anyhow::Result<Option<Signal>> {
    if text == "0" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|why| Failure::Usage(format!("{text}: {why}")).into())
}

/// Neither 0 nor a negative number: kill(2) takes those for groups of processes.
fn parse_pid(text: &str) -> anyhow::Result<pid_t> {
    let pid = text.parse().ok().filter(|&pid: &pid_t| pid > 0);
    pid.ok_or_else(|| Failure::Usage(format!("{text}: no PID (a number from 1 on)")).into())
}

/// The process, if it is there, and no thread.
pub fn open(pid: pid_t) -> anyhow::Result<PidFd> {
    PidFd::open(pid).or_else(|error| {
        if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINVAL)) {
            proc::must_be_a_process(pid)?;
        }
        Err(error).with_context(|| format!("process {pid}"))
    })
}

/// Holds the one process of that name, never this one.
fn only_one_named(name: &OsStr) -> anyhow::Result<PidFd> {
    let shown = name.display();
    let mut found: Vec<PidFd> = proc::pids()?.into_iter().filter_map(|pid| hold_if_named(pid, name)).collect();
    match (found.pop(), found.len()) {
        (None, _) => bail!("no process is named {shown}"),
        (Some(process), 0) => Ok(process),
        (Some(process), _) => {
            let mut pids: Vec<pid_t> = found.iter().chain([&process]).map(PidFd::pid).collect();
            pids.sort_unstable();
            let pids: Vec<String> = pids.iter().map(pid_t::to_string).collect();
            Err(anyhow!("{} processes are named {shown}: {}", pids.len(), pids.join(", ")))
        }
    }
}

// ANCHOR: hold
/// Looks at the name once more when the descriptor is there: a process that has gone in
/// between gets nothing.
fn hold_if_named(pid: pid_t, name: &OsStr) -> Option<PidFd> {
    let is_it = || is_alive(pid) && proc::is_named(pid, name).unwrap_or(false);
    let is_other = pid != process::id().cast_signed();
    let held: Option<io::Result<PidFd>> = (is_other && is_it()).then(|| PidFd::open(pid));
    held?.ok().filter(|_| is_it())
}
// ANCHOR_END: hold

/// A zombie takes signals, but they do nothing.
fn is_alive(pid: pid_t) -> bool {
    proc::stat(pid).is_ok_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}
