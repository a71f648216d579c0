//! The 62 signals, as bash's `kill -l` lists them, and what each does to a process that has said nothing.
//!
//! The kernel knows 64; the C library keeps 32 and 33 to itself (claim 107).
//!
//! Note: 信号 ("kill -l", "支持62种信号"). Go: the constants of `syscall.Signal`. Man: signal(7).

mod default_action;

use anyhow::Context;
use serde::Serialize;
use shared::report::Report;

use self::default_action::{DefaultAction, Experiment};
use crate::signal::{Signal, action};

#[derive(clap::Args)]
pub struct Args {
    /// Only this one: INT, SIGINT, 2, SIGRTMIN+1, 35
    #[arg(value_name = "NAME|NUMBER")]
    signal: Option<Signal>,
    /// Print JSON lines
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Record {
    number: i32,
    name: Signal,
    kind: &'static str,
    default: DefaultAction,
    catchable: bool,
    meaning: String,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let signals = match args.signal {
        Some(signal) => vec![signal],
        None => Signal::all().collect(),
    };
    let experiment = Experiment::prepare()?;
    let records = signals.into_iter().map(|signal| look_at(signal, &experiment)).collect::<anyhow::Result<Vec<_>>>()?;
    experiment.clean_up()?;
    records.iter().try_for_each(|record| out.pairs(record))
}

fn look_at(signal: Signal, experiment: &Experiment) -> anyhow::Result<Record> {
    Ok(Record {
        number: signal.number(),
        name: signal,
        kind: if signal.is_real_time() { "real-time" } else { "standard" },
        default: experiment.observe(signal).with_context(|| format!("find out what {signal} does"))?,
        catchable: action::is_free(signal).with_context(|| format!("ask for the action of {signal}"))?,
        meaning: signal.meaning(),
    })
}
