//! Waits for signals, and tells who sent each, how, and with which value.
//!
//! It says on stderr when it waits: from then on the signals cannot kill it. With `--count 0` it is the note's loop,
//! which ends in order: what came before the end is told.
//!
//! Note: 信号. Go: `for sig := range sigRecv`. Man: signalfd(2), sigqueue(3), si_code in sigaction(2).

use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::Context;
use libc::c_int;
use mio::unix::SourceFd;
use mio::{Interest, Token, Waker};
use nix::unistd;
use serde::Serialize;
use shared::harness::ready;
use shared::harness::report::Report;
use shared::linux::failure::Failure;
use shared::linux::shutdown::Shutdown;
use shared::linux::stdio;

use crate::registry::Registry;
use crate::signal::Signal;
use crate::signal::fd::{Arrival, BATCH};

#[derive(clap::Args)]
pub struct Args {
    /// Signals, by any of their names or numbers
    #[arg(required = true, value_name = "SIGNAL", hide_possible_values = true)]
    signals: Vec<Signal>,
    /// End after this number of signals; 0: go on until a SIGINT, SIGTERM or SIGHUP comes that is not waited for, or
    /// nobody reads stdout any more
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: u64,
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", default_value = "30s", default_value_if("count", "0", "0"))]
    #[arg(value_parser = shared::harness::duration::limit)]
    timeout: Duration,
    #[command(flatten)]
    ready: ready::Args,
    /// Print what the note's loop prints: Received a signal: interrupt
    #[arg(long)]
    pub go: bool,
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
    stdio::stdout_is_open()?;
    let mut registry = Registry::new()?;
    let channel = registry.channel(BATCH);
    registry.notify(&channel, &args.signals)?;
    let end = (args.count == 0).then(|| watch_for_the_end(&registry)).transpose()?;
    let names: Vec<String> = args.signals.iter().map(Signal::to_string).collect();
    args.ready.waiting(format_args!("pid={} signals={}", unistd::getpid(), names.join(",")));

    let deadline = Instant::now().checked_add(args.timeout);
    let mut left = if args.count == 0 { u64::MAX } else { args.count };
    while left > 0 {
        let rest = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // At most one batch, which the channel has room for.
        let count = registry.deliver(rest)?;
        for arrival in channel.arrived().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            tell(arrival, args.go, out)?;
            left -= 1;
        }
        if count == 0 && end.as_ref().map_or(Ok(false), has_come)? {
            return Ok(());
        }
        if count == 0 && rest.is_some_and(|rest| rest.is_zero()) {
            return Err(Failure::Deadline("no signal came in time".to_owned()).into());
        }
    }
    Ok(())
}

// ANCHOR: go
fn tell(arrival: Arrival, go: bool, out: &mut Report) -> anyhow::Result<()> {
    if go {
        out.line(format_args!("Received a signal: {}", arrival.signal.meaning()))
    } else {
        out.pairs(&Record::from(arrival))
    }
}
// ANCHOR_END: go

/// From now on `deliver` also returns when a signal asks for the end, or when the last reader of stdout goes: of that
/// epoll tells unasked. The signals that are waited for are blocked already, also for the thread that this starts.
fn watch_for_the_end(registry: &Registry) -> anyhow::Result<Shutdown> {
    let shutdown = Shutdown::on_signals(|| ())?;
    shutdown.wake(Waker::new(registry.poll(), Token(1)).context("eventfd")?)?;
    let watched = registry.poll().register(&mut SourceFd(&io::stdout().as_raw_fd()), Token(2), Interest::PRIORITY);
    match watched {
        // A file, which has no reader.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(shutdown),
        watched => watched.context("epoll_ctl stdout").map(|()| shutdown),
    }
}

fn has_come(end: &Shutdown) -> anyhow::Result<bool> {
    Ok(end.is_requested() || stdio::has_no_reader().context("poll stdout")?)
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
