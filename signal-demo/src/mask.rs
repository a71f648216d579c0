//! What a process has blocked, ignored and caught, and what is pending.
//!
//! Note: 信号. Go: `signal.Ignored`. Man: proc_pid_status(5), sigpending(2).

use std::fmt;

use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::proc;

use crate::signal;
use crate::signal::set::Set;

#[derive(clap::Args)]
pub struct Args {
    /// The process
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    pid: i32,
}

#[derive(Serialize)]
struct Record {
    pid: i32,
    blocked_signals: Vec<String>,
    ignored_signals: Vec<String>,
    caught_signals: Vec<String>,
    pending_signals: Vec<String>,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    proc::must_be_a_process(args.pid)?;
    let masks = proc::masks(args.pid)?;
    out.record(&Record {
        pid: args.pid,
        blocked_signals: names(Set::from_bits(masks.blocked)),
        ignored_signals: names(Set::from_bits(masks.ignored)),
        caught_signals: names(Set::from_bits(masks.caught)),
        pending_signals: names(Set::from_bits(masks.pending)),
    })
}

fn names(set: Set) -> Vec<String> {
    set.numbers().map(signal::name).collect()
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { pid, blocked_signals, ignored_signals, caught_signals, pending_signals } = self;
        write!(f, "pid={pid}")?;
        let kinds = ["blocked", "ignored", "caught", "pending"];
        let names = [blocked_signals, ignored_signals, caught_signals, pending_signals];
        for (kind, names) in kinds.into_iter().zip(names) {
            write!(f, " {kind}_signals={}", if names.is_empty() { "none".to_owned() } else { names.join(",") })?;
        }
        Ok(())
    }
}
