//! What the kernel remembers of a signal that is sent again before the first was taken.
//!
//! Of a standard signal one instance waits, however often it was sent; if none waits, each is handled (claim 109). A
//! real-time signal waits as often as it was sent, until the user's RLIMIT_SIGPENDING is reached: then sigqueue(3) says
//! EAGAIN, and kill(2) keeps one.
//!
//! Note: 信号. Man: signal(7), sigqueue(3), RLIMIT_SIGPENDING in getrlimit(2).

use std::io;

use anyhow::Context;
use libc::pid_t;
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;
use shared::linux::failure::Failure;

use crate::signal::fd::{BATCH, SignalFd};
use crate::signal::set::Set;
use crate::signal::{Signal, handler, send};

#[derive(clap::Args)]
pub struct Args {
    /// Send each signal this many times
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
}

#[derive(Serialize)]
pub struct Record {
    signal: Signal,
    sent_by: &'static str,
    blocked: bool,
    /// RLIMIT_SIGPENDING, where it is set for this.
    pub limit: Option<u64>,
    sent: u32,
    /// What ended the sending: at the limit sigqueue(3) answers EAGAIN.
    pub next_send: Option<Outcome>,
    pub arrived: usize,
}

/// How a signal is sent, and the name of that.
pub type Means = (&'static str, fn(pid_t, Signal) -> io::Result<()>);

pub const KILL: Means = ("kill", send::kill);
const SIGQUEUE: Means = ("sigqueue", |pid, signal| send::queue(pid, signal, 0));

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let real_time = real_time()?;
    out.pairs(&send_blocked(Signal::USR1, KILL, args.count)?)?;
    out.pairs(&send_handled(Signal::USR1, args.count)?)?;
    out.pairs(&send_blocked(real_time, KILL, args.count)?)?;
    out.pairs(&send_blocked(real_time, SIGQUEUE, args.count)?)?;
    out.pairs(&queue_one_too_many(args.count)?)?;
    out.pairs(&send_limited(0, real_time, KILL, args.count)?)
}

fn real_time() -> anyhow::Result<Signal> {
    Signal::real_time(0).context("no real-time signals")
}

/// Whatever else waits for this user counts, so fewer than `limit` may be left for us.
pub fn queue_one_too_many(limit: u32) -> anyhow::Result<Record> {
    send_limited(limit.into(), real_time()?, SIGQUEUE, limit.saturating_add(1))
}

/// Sends all while none can be taken, then takes all that wait.
pub fn send_blocked(signal: Signal, means: Means, count: u32) -> anyhow::Result<Record> {
    // ANCHOR: blocked
    Set::from(signal).block().with_context(|| format!("block {signal}"))?;
    let mut fd = SignalFd::new(signal.into()).context("signalfd")?;
    let (sent, next_send) = send_to_self(signal, means, count)?;
    let mut arrived = 0;
    loop {
        let batch = fd.read().context("read signals")?.len();
        arrived += batch;
        if batch < BATCH {
            break;
        }
    }
    // ANCHOR_END: blocked
    Ok(Record { signal, sent_by: means.0, blocked: true, limit: None, sent, next_send, arrived })
}

/// Each is handled before the next is sent: kill(2) to oneself returns after the handler.
pub fn send_handled(signal: Signal, count: u32) -> anyhow::Result<Record> {
    handler::catch(signal, Set::EMPTY)?;
    Set::from(signal).unblock().with_context(|| format!("unblock {signal}"))?;
    handler::take_notes();
    let (sent, next_send) = send_to_self(signal, KILL, count)?;
    let (arrived, _) = handler::take_notes();
    Ok(Record { signal, sent_by: KILL.0, blocked: false, limit: None, sent, next_send, arrived })
}

fn send_limited(limit: u64, signal: Signal, means: Means, count: u32) -> anyhow::Result<Record> {
    let (soft, hard) = limit_of_pending()?;
    let limit = limit.min(hard);
    limit_pending(limit, hard)?;
    let record = send_blocked(signal, means, count);
    limit_pending(soft, hard)?;
    Ok(Record { limit: Some(limit), ..record? })
}

/// How many were sent, and the error if not all could be.
fn send_to_self(signal: Signal, (_, send): Means, count: u32) -> anyhow::Result<(u32, Option<Outcome>)> {
    let pid = unistd::getpid().as_raw();
    for sent in 0..count {
        match send(pid, signal) {
            Err(error) if is_over_the_limit(&error) => return Ok((sent, Some(Outcome::Failed(Errno::EAGAIN)))),
            result => result.with_context(|| format!("send {signal} to {pid}"))?,
        }
    }
    Ok((count, None))
}

fn is_over_the_limit(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EAGAIN)
}

/// Why a real-time signal was not queued. Where the user may not have as many wait, what needs them cannot be shown.
pub fn not_queued(error: io::Error) -> anyhow::Error {
    if is_over_the_limit(&error) {
        return Failure::CannotShow("RLIMIT_SIGPENDING lets too few signals wait for this user".to_owned()).into();
    }
    error.into()
}

fn limit_of_pending() -> anyhow::Result<(u64, u64)> {
    getrlimit(Resource::RLIMIT_SIGPENDING).context("get RLIMIT_SIGPENDING")
}

fn limit_pending(soft: u64, hard: u64) -> anyhow::Result<()> {
    setrlimit(Resource::RLIMIT_SIGPENDING, soft, hard).with_context(|| format!("set RLIMIT_SIGPENDING to {soft}"))
}
