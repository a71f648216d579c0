//! Which of several pending signals comes first.
//!
//! The note calls the order of standard signals "完全不确定". POSIX leaves it open, but Linux takes the lowest number
//! first, after the signals of the program's own faults (claim 110). Real-time signals keep the order in
//! which they were sent only within a number (claim 111). Handlers that do not block each other start in that
//! order too, but each is interrupted by the next before its first instruction, so that the last one runs first.
//!
//! Note: 信号. Man: signal(7), sigwaitinfo(2).

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use nix::unistd;
use serde::Serialize;
use shared::harness::report::Report;

use crate::queue;
use crate::signal::fd::{Arrival, SignalFd};
use crate::signal::set::Set;
use crate::signal::{Signal, handler, send};

#[derive(clap::Args)]
pub struct Args {}

/// What was sent, and in which order it was taken.
#[derive(Serialize)]
struct Record {
    taken_by: &'static str,
    sent_signals: Vec<String>,
    taken_signals: Vec<String>,
}

/// In how many orders the same signals were sent, and in how many they were taken.
#[derive(Serialize)]
pub struct Certainty {
    pub orders_sent: usize,
    /// By sigwait.
    pub orders_taken: usize,
    /// By handlers that block each other.
    pub orders_handled: usize,
    pub taken_signals: Vec<Signal>,
    pub handled_signals: Vec<Signal>,
}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    let standard = signals(STANDARD);
    let reversed: Vec<Signal> = standard.iter().rev().copied().collect();
    let with_faults = signals([libc::SIGHUP, libc::SIGSEGV, libc::SIGTERM, libc::SIGBUS]);
    out.pairs(&Record::new("sigwait", &standard, &by_sigwait(&standard)?))?;
    out.pairs(&Record::new("sigwait", &reversed, &by_sigwait(&reversed)?))?;
    out.pairs(&Record::new("signalfd", &standard, &by_signalfd(&standard)?))?;
    out.pairs(&Record::new("handlers-in-turn", &standard, &by_handlers(&standard, Set::ALL)?))?;
    out.pairs(&Record::new("handlers-nested", &standard, &by_handlers(&standard, Set::EMPTY)?))?;
    out.pairs(&Record::new("sigwait", &with_faults, &by_sigwait(&with_faults)?))?;
    out.pairs(&to_process_and_thread()?)?;
    out.pairs(&orders()?)?;
    let (sent, taken) = queue_real_time()?;
    let name = |(signal, value): &Queued| format!("{signal}({value})");
    let [sent_signals, taken_signals] = [sent, taken].map(|queued| queued.iter().map(name).collect());
    out.pairs(&Record { taken_by: "signalfd", sent_signals, taken_signals })
}

const STANDARD: [i32; 5] = [libc::SIGTERM, libc::SIGUSR1, libc::SIGALRM, libc::SIGHUP, libc::SIGUSR2];

/// Sends the same signals beginning with each of them, forwards and backwards.
pub fn orders() -> anyhow::Result<Certainty> {
    let (mut sent, mut taken, mut handled) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for first in 0..STANDARD.len() {
        let mut order = signals(STANDARD);
        order.rotate_left(first);
        for _ in 0..2 {
            order.reverse();
            taken.insert(by_sigwait(&order)?);
            handled.insert(by_handlers(&order, Set::ALL)?);
            sent.insert(order.clone());
        }
    }
    Ok(Certainty {
        orders_sent: sent.len(),
        orders_taken: taken.len(),
        orders_handled: handled.len(),
        taken_signals: taken.pop_first().unwrap_or_default(),
        handled_signals: handled.pop_first().unwrap_or_default(),
    })
}

fn signals<const N: usize>(numbers: [i32; N]) -> Vec<Signal> {
    numbers.into_iter().filter_map(Signal::from_number).collect()
}

/// sigwait, until none waits any more.
pub fn by_sigwait(sent: &[Signal]) -> anyhow::Result<Vec<Signal>> {
    send_blocked(sent)?;
    take_all(sent)
}

fn take_all(sent: &[Signal]) -> anyhow::Result<Vec<Signal>> {
    let mut taken = Vec::new();
    while let Some(signal) = Set::from(sent).take(Duration::ZERO).context("sigtimedwait")? {
        taken.push(signal);
    }
    Ok(taken)
}

/// One read of a signalfd.
pub fn by_signalfd(sent: &[Signal]) -> anyhow::Result<Vec<Signal>> {
    send_blocked(sent)?;
    Ok(read_all(sent)?.iter().map(|arrival| arrival.signal).collect())
}

fn read_all(sent: &[Signal]) -> anyhow::Result<Vec<Arrival>> {
    let mut fd = SignalFd::new(sent.into()).context("signalfd")?;
    Ok(fd.read().context("read signals")?.collect())
}

// ANCHOR: handlers
/// While one handler runs, those of `mask` wait.
fn by_handlers(sent: &[Signal], mask: Set) -> anyhow::Result<Vec<Signal>> {
    send_blocked(sent)?;
    for &signal in sent {
        handler::catch(signal, mask)?;
    }
    Set::from(sent).unblock().context("unblock")?;
    Ok(handler::take_notes().1)
}
// ANCHOR_END: handlers

fn send_blocked(sent: &[Signal]) -> anyhow::Result<()> {
    Set::from(sent).block().context("block")?;
    sent.iter().try_for_each(|&signal| send::to_self(signal))
}

/// A signal to the thread comes before one to the process, whatever their numbers are.
fn to_process_and_thread() -> anyhow::Result<Record> {
    let (to_process, to_thread) = (Signal::USR1, Signal::USR2);
    send_blocked(&[to_process])?;
    Set::from(to_thread).block().context("block")?;
    send::raise(to_thread).with_context(|| format!("raise {to_thread}"))?;
    Ok(Record {
        taken_by: "sigwait",
        sent_signals: vec![format!("{to_process}(process)"), format!("{to_thread}(thread)")],
        taken_signals: names(&take_all(&[to_process, to_thread])?),
    })
}

/// A real-time signal, and the value that shows which of the same number it is.
pub type Queued = (Signal, i32);

/// What was sent, and what was taken.
pub fn queue_real_time() -> anyhow::Result<(Vec<Queued>, Vec<Queued>)> {
    let signals = [6, 2, 16, 2, 0, 6].into_iter().filter_map(Signal::real_time);
    let sent: Vec<Queued> = signals.clone().zip(1..).collect();
    let signals: Vec<Signal> = signals.collect();
    Set::from(&signals[..]).block().context("block")?;
    for &(signal, value) in &sent {
        send::queue(unistd::getpid().as_raw(), signal, value)
            .map_err(queue::not_queued)
            .with_context(|| format!("queue {signal}"))?;
    }
    let taken = read_all(&signals)?.iter().map(|arrival| (arrival.signal, arrival.value)).collect();
    Ok((sent, taken))
}

impl Record {
    fn new(taken_by: &'static str, sent: &[Signal], taken: &[Signal]) -> Record {
        Record { taken_by, sent_signals: names(sent), taken_signals: names(taken) }
    }
}

fn names(signals: &[Signal]) -> Vec<String> {
    signals.iter().map(Signal::to_string).collect()
}
