//! Who comes first of several signals that wait.
//!
//! The note finds the order of standard signals "完全不确定"; POSIX leaves it open, but Linux takes the lowest
//! number first, after the signals of the program's own faults (claim 110). Real-time signals keep the order in
//! which they were sent only within a number (claim 111). Handlers that do not block each other start in that
//! order too, but each is interrupted by the next before its first instruction, so that the last one runs first.
//!
//! Note: 信号. Man: signal(7), sigwaitinfo(2).

use std::fmt;
use std::time::Duration;

use anyhow::Context;
use libc::pid_t;
use nix::unistd;
use serde::Serialize;
use shared::report::Report;

use crate::signal::action::Action;
use crate::signal::fd::{Arrival, SignalFd};
use crate::signal::set::Set;
use crate::signal::{Signal, handler, send};

#[derive(clap::Args)]
pub struct Args {
    /// Print JSON lines
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Record {
    taken_by: &'static str,
    sent: Vec<String>,
    taken: Vec<String>,
}

pub fn run(out: &mut Report) -> anyhow::Result<()> {
    let standard = signals([libc::SIGTERM, libc::SIGUSR1, libc::SIGALRM, libc::SIGHUP, libc::SIGUSR2]);
    let reversed: Vec<Signal> = standard.iter().rev().copied().collect();
    let with_faults = signals([libc::SIGHUP, libc::SIGSEGV, libc::SIGTERM, libc::SIGBUS]);
    out.record(&Record::new("sigwait", &standard, &by_sigwait(&standard)?))?;
    out.record(&Record::new("sigwait", &reversed, &by_sigwait(&reversed)?))?;
    out.record(&Record::new("signalfd", &standard, &by_signalfd(&standard)?))?;
    out.record(&Record::new("handlers-in-turn", &standard, &by_handlers(&standard, Set::ALL)?))?;
    out.record(&Record::new("handlers-nested", &standard, &by_handlers(&standard, Set::EMPTY)?))?;
    out.record(&Record::new("sigwait", &with_faults, &by_sigwait(&with_faults)?))?;
    out.record(&to_process_and_thread()?)?;
    out.record(&real_time()?)
}

fn signals<const N: usize>(numbers: [i32; N]) -> Vec<Signal> {
    numbers.into_iter().filter_map(Signal::from_number).collect()
}

fn by_sigwait(sent: &[Signal]) -> anyhow::Result<Vec<Signal>> {
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

fn by_signalfd(sent: &[Signal]) -> anyhow::Result<Vec<Signal>> {
    send_blocked(sent)?;
    Ok(read_all(sent)?.iter().map(|arrival| arrival.signal).collect())
}

fn read_all(sent: &[Signal]) -> anyhow::Result<Vec<Arrival>> {
    let mut fd = SignalFd::new(sent.into()).context("signalfd")?;
    Ok(fd.read().context("read signals")?.collect())
}

/// While one handler runs, those of `mask` wait.
fn by_handlers(sent: &[Signal], mask: Set) -> anyhow::Result<Vec<Signal>> {
    send_blocked(sent)?;
    for &signal in sent {
        Action::Catch { handler: handler::note, mask }.set(signal).with_context(|| format!("catch {signal}"))?;
    }
    Set::from(sent).unblock().context("unblock")?;
    Ok(handler::take_notes().1)
}

fn send_blocked(sent: &[Signal]) -> anyhow::Result<()> {
    Set::from(sent).block().context("block")?;
    sent.iter().try_for_each(|&signal| send::kill(pid(), signal).with_context(|| format!("send {signal}")))
}

/// What a thread is sent comes before what its process is sent.
fn to_process_and_thread() -> anyhow::Result<Record> {
    let (to_process, to_thread) = (Signal::USR1, Signal::USR2);
    send_blocked(&[to_process])?;
    Set::from(to_thread).block().context("block")?;
    send::raise(to_thread).with_context(|| format!("raise {to_thread}"))?;
    Ok(Record {
        taken_by: "sigwait",
        sent: vec![format!("{to_process}(process)"), format!("{to_thread}(thread)")],
        taken: take_all(&[to_process, to_thread])?.iter().map(Signal::to_string).collect(),
    })
}

/// The values show which of the same number it is.
fn real_time() -> anyhow::Result<Record> {
    let sent: Vec<Signal> = [6, 2, 16, 2, 0, 6].into_iter().filter_map(Signal::real_time).collect();
    Set::from(&sent[..]).block().context("block")?;
    for (signal, value) in sent.iter().zip(1..) {
        send::queue(pid(), *signal, value).with_context(|| format!("queue {signal}"))?;
    }
    let taken = read_all(&sent)?;
    Ok(Record {
        taken_by: "signalfd",
        sent: sent.iter().zip(1..).map(|(signal, value)| format!("{signal}({value})")).collect(),
        taken: taken.iter().map(|arrival| format!("{}({})", arrival.signal, arrival.value)).collect(),
    })
}

fn pid() -> pid_t {
    unistd::getpid().as_raw()
}

impl Record {
    fn new(taken_by: &'static str, sent: &[Signal], taken: &[Signal]) -> Record {
        let names = |signals: &[Signal]| signals.iter().map(Signal::to_string).collect();
        Record { taken_by, sent: names(sent), taken: names(taken) }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "taken_by={} sent={} taken={}", self.taken_by, self.sent.join(","), self.taken.join(","))
    }
}
