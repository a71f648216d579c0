//! The command `bench`: every mechanism does the same work, and is put on one scale.
//!
//! Two processes exchange messages in round trips, then in one direction. Each message differs from the
//! one before it, and every byte is checked. The other process is this program again, started with a
//! hidden command; it gets its ends as stdin and stdout, and dies with this one.
//!
//! Note: Golang笔记-多进程编程理论 ("进程间的通讯"). Go: `testing.B`. Man: sched_setaffinity(2), proc_pid_io(5).

mod counters;
pub mod descriptors;
mod measure;
mod mechanism;
mod peer;
mod placement;
mod record;
mod svg;
mod table;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::builder::PossibleValue;

use crate::harness::program::Program;
use crate::harness::report::Report;
use crate::harness::story;
use crate::linux::child::Children;
use crate::linux::failure::Failure;
pub use mechanism::{Mechanism, Meeting, OneWay, SIZES, Side};
pub use peer::{Args as PeerArgs, answer};
use placement::Pin;

/// Options of `bench`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Measure only these mechanisms, by their names in the table
    #[arg(value_name = "MECHANISM")]
    mechanisms: Vec<String>, // `offer` says which
    /// Where the two processes run: on one CPU, on two, or where the scheduler puts them [default: all that this
    /// machine has]
    #[arg(long, value_delimiter = ',')]
    pin: Vec<Pin>,
    /// A tenth of a second for each measurement: to see that it works, not how fast
    #[arg(long)]
    quick: bool,
    /// Draw the table as a picture into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Measure nothing: show the records in this file, JSON lines of any programs' `bench`
    #[arg(long, value_name = "FILE", conflicts_with = "mechanisms")]
    records: Option<PathBuf>,
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = crate::harness::duration::limit)]
    timeout: Duration,
}

/// The program's mechanisms are what `bench` takes.
pub fn offer<P: Program>(bench: clap::Command) -> clap::Command {
    let names = P::MECHANISMS.iter().map(|mechanism| PossibleValue::new(mechanism.word()).alias(mechanism.name));
    bench.mut_arg("mechanisms", |mechanisms| mechanisms.value_parser(names.collect::<Vec<_>>()))
}

/// Measures the mechanisms that were asked for, or all, and shows the results. The timeout covers everything: what
/// blocks may block for ever.
pub fn run(args: &Args, mechanisms: &'static [Mechanism], out: &Report) -> anyhow::Result<()> {
    let measured = story::tell(args.timeout, &Children::helpers(), {
        let (args, mut out) = (args.clone(), out.for_thread());
        move |children| show(children, &args, mechanisms, &mut out)
    });
    measured.map_err(|error| match error.downcast_ref() {
        Some(Failure::Deadline(late)) => Failure::Deadline(format!("bench: {}{late}", measure::current())).into(),
        _ => error,
    })
}

fn show(children: &Children, args: &Args, mechanisms: &'static [Mechanism], out: &mut Report) -> anyhow::Result<()> {
    let records = if let Some(file) = &args.records {
        let records = record::load(file)?;
        if out.is_json() {
            records.iter().try_for_each(|record| out.pairs(record))?;
        }
        records
    } else {
        let wanted = wanted(&args.mechanisms, mechanisms);
        let plan = measure::Plan::new(wanted, &placement::placements(&args.pin)?, args.quick);
        plan.measure(children, out.is_json().then_some(&mut *out))?
    };
    if let Some(file) = &args.svg {
        std::fs::write(file, svg::draw(&records)).with_context(|| format!("write {}", file.display()))?;
    }
    if !out.is_json() {
        table::print(&records, out)?;
    }
    Ok(())
}

fn wanted(names: &[String], mechanisms: &'static [Mechanism]) -> Vec<&'static Mechanism> {
    let is_named =
        |mechanism: &Mechanism| names.iter().any(|name| *name == mechanism.name || *name == mechanism.word());
    mechanisms.iter().filter(|mechanism| names.is_empty() || is_named(mechanism)).collect()
}
