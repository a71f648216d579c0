//! The signals, as bash's `kill -l` lists them, and what each does by default: 62 with glibc, 61 with musl.
//!
//! The kernel knows 64; the C library keeps 32 and 33 to itself, musl 34 too (claim 107): `--kernel` asks past it.
//!
//! Note: 信号 ("kill -l", "支持62种信号"). Go: the constants of `syscall.Signal`. Man: signal(7).

pub mod default_action;
pub mod kernel;
mod table;

use anyhow::Context;
use serde::Serialize;
use shared::harness::report::Report;

use self::default_action::{DefaultAction, Experiment};
use crate::signal::{Signal, action};

#[derive(clap::Args)]
pub struct Args {
    /// Only this one: INT, SIGINT, 2, SIGRTMIN+1, 35
    #[arg(value_name = "NAME|NUMBER", hide_possible_values = true)]
    signal: Option<Signal>,
    /// Instead, which numbers the kernel takes, how often each waits, and what bash's `kill -l` has of them
    #[arg(long, conflicts_with = "signal")]
    kernel: bool,
    /// Instead, the table that bash's `kill -l` prints, as the note has it
    #[arg(long, conflicts_with_all = ["signal", "kernel"])]
    table: bool,
}

#[derive(Serialize)]
pub struct Record {
    number: i32,
    pub name: Signal,
    kind: &'static str,
    pub default: DefaultAction,
    pub catchable: bool,
    meaning: String,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    if args.kernel {
        return kernel::run(out);
    }
    if args.table {
        return table::run(out);
    }
    let signals = args.signal.map_or_else(|| Signal::all().collect(), |signal| vec![signal]);
    look_at(&signals)?.0.iter().try_for_each(|record| out.pairs(record))
}

/// Also whether `core` was told from `term` by core files.
pub fn look_at(signals: &[Signal]) -> anyhow::Result<(Vec<Record>, bool)> {
    let experiment = Experiment::prepare()?;
    let records = signals.iter().map(|&signal| look_at_one(signal, &experiment)).collect::<anyhow::Result<_>>()?;
    let sees_cores = experiment.sees_cores();
    experiment.clean_up()?;
    Ok((records, sees_cores))
}

fn look_at_one(signal: Signal, experiment: &Experiment) -> anyhow::Result<Record> {
    Ok(Record {
        number: signal.number(),
        name: signal,
        kind: if signal.is_real_time() { "real-time" } else { "standard" },
        default: experiment.observe(signal).with_context(|| format!("find out what {signal} does"))?,
        catchable: action::is_free(signal).with_context(|| format!("sigaction {signal}"))?,
        meaning: signal.meaning(),
    })
}
