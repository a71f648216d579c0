//! Waits for signals, and tells who sent each, how, and with which value.
//!
//! It says on stderr when it waits: from then on the signals cannot kill it.
//!
//! Note: 信号. Go: `for sig := range sigRecv`. Man: signalfd(2), sigqueue(3), si_code in sigaction(2).

use std::time::{Duration, Instant};

use libc::c_int;
use nix::unistd;
use serde::Serialize;
use shared::harness::ready;
use shared::harness::report::Report;
use shared::linux::failure::Failure;

use crate::registry::Registry;
use crate::signal::Signal;
use crate::signal::fd::{Arrival, BATCH};

#[derive(clap::Args)]
pub struct Args {
    /// Signals, by any of their names or numbers
    #[arg(required = true, value_name = "SIGNAL", hide_possible_values = true)]
    signals: Vec<Signal>,
    /// End after this number of signals
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// Give up after this time, with exit code 124
    #[arg(long, default_value = "30s", value_parser = shared::harness::duration::parse)]
    timeout: Duration,
    #[command(flatten)]
    ready: ready::Args,
}

#[derive(Serialize)]
struct Record {
    signal: Signal,
    number: i32,
    pid: u32,
    uid: u32,
    code: String,
    value: i32,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut registry = Registry::new()?;
    let channel = registry.channel(BATCH);
    registry.notify(&channel, &args.signals)?;
    let names: Vec<String> = args.signals.iter().map(Signal::to_string).collect();
    args.ready.waiting(format_args!("pid={} signals={}", unistd::getpid(), names.join(",")));

    let deadline = Instant::now().checked_add(args.timeout);
    let mut left = args.count;
    while left > 0 {
        wait_for_some(&mut registry, deadline)?;
        for arrival in channel.arrived().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            out.pairs(&Record::from(arrival))?;
            left -= 1;
        }
    }
    Ok(())
}

/// At most one batch, which the channel has room for; or fails at the deadline. Without one, it is too far off to tell.
fn wait_for_some(registry: &mut Registry, deadline: Option<Instant>) -> anyhow::Result<()> {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let count = registry.deliver(left)?;
    if count == 0 && left.is_some_and(|left| left.is_zero()) {
        return Err(Failure::Deadline("no signal came in time".to_owned()).into());
    }
    Ok(())
}

impl From<Arrival> for Record {
    fn from(arrival: Arrival) -> Record {
        Record {
            signal: arrival.signal,
            number: arrival.signal.number(),
            pid: arrival.pid,
            uid: arrival.uid,
            code: code_name(arrival.code),
            value: arrival.value,
        }
    }
}

/// How a signal was sent.
const CODES: [(c_int, &str); 9] = [
    (libc::SI_USER, "SI_USER"),
    (libc::SI_QUEUE, "SI_QUEUE"),
    (libc::SI_TKILL, "SI_TKILL"),
    (libc::SI_KERNEL, "SI_KERNEL"),
    (libc::SI_TIMER, "SI_TIMER"),
    (libc::SI_MESGQ, "SI_MESGQ"),
    (libc::SI_ASYNCIO, "SI_ASYNCIO"),
    (libc::SI_SIGIO, "SI_SIGIO"),
    (libc::SI_ASYNCNL, "SI_ASYNCNL"),
];

/// A positive code has its meaning from the signal (`CLD_EXITED` of SIGCHLD), and stays a number here.
fn code_name(code: c_int) -> String {
    let named = CODES.iter().find(|(known, _)| *known == code);
    named.map_or_else(|| code.to_string(), |(_, name)| (*name).to_owned())
}
