//! The command `claims`: what the note says, asked of this kernel.
//!
//! The statements stand in shared/claims.toml, one row each. A program has a check for each of its rows, which calls
//! the code that the row's command runs. Each check runs in a process of its own, this program again, so whatever it
//! does to itself (signals, limits, children, namespaces) ends with it, and a check that hangs can be ended.
//!
//! Note: Golang笔记-多进程编程理论 (all of it). Go: `testing.T`. Man: memfd_create(2), PR_SET_PDEATHSIG in prctl(2),
//! pidfd_open(2).

mod alone;
pub mod go;
mod guide;
pub mod lang;
pub mod ledger;
mod page;
mod record;
pub mod system;
mod verdict;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::builder::TypedValueParser;
use indicatif::ProgressBar;

use crate::harness::offers::Offers;
use crate::harness::program::Program;
use crate::harness::report::Report;
use crate::linux::failure::Failure;
use crate::linux::stdio::narrate;
use lang::Lang;
use ledger::Statement;
use record::{Brief, Record, Summary};
pub use verdict::{Check, Seen, Verdict, joined, seen};

/// The options of `claims`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Check only these statements, by number [default: all]
    #[arg(value_name = "ID")]
    ids: Vec<u16>, // `offer` says which
    /// List the statements with their recorded verdicts, and check nothing
    #[arg(long)]
    list: bool,
    /// Print number, verdict and evidence only
    #[arg(long)]
    brief: bool,
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", value_parser = crate::harness::duration::limit, default_value = "20s")]
    timeout: Duration,
    /// Language of statements and summary [default: by LC_ALL, LC_MESSAGES, LANG]
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// Append the records to this file, for `make claims`
    #[arg(long, hide = true, value_name = "FILE")]
    append: Option<PathBuf>,
    /// Print the records of this file, in the note's order
    #[arg(long, hide = true, value_name = "FILE", conflicts_with = "append")]
    records: Option<PathBuf>,
    /// With --records: as the page docs/claims.md, or docs/zh/claims.md, with the systems of docs/systems.toml, this file
    #[arg(long, hide = true, value_name = "SYSTEMS")]
    ledger: Option<PathBuf>,
    /// Print the records of this file as an entry of docs/systems.toml, for `make kernels`
    #[arg(long, hide = true, value_name = "FILE")]
    system: Option<PathBuf>,
    /// Be the process of this check, and write what it saw to stdout
    #[arg(long, hide = true, value_name = "PARENT", requires = "ids")]
    alone: Option<i32>,
}

impl Args {
    fn lang(&self) -> Lang {
        self.lang.unwrap_or_else(Lang::of_environment)
    }

    fn print(&self, record: &Record, out: &mut Report) -> anyhow::Result<()> {
        if self.brief { out.record(&Brief(record)) } else { out.record(record) }
    }

    fn asks(&self, number: u16) -> bool {
        self.ids.is_empty() || self.ids.contains(&number)
    }
}

/// Completions offer the program's statements.
pub fn offer<P: Program>(ids: clap::Arg) -> clap::Arg {
    let parser = Offers(|| ledger::offered(P::CHECKS)).try_map(|id| id.parse::<u16>());
    ids.value_parser(parser).hide_possible_values(true)
}

/// Checks the statements that `program` has rows for in shared/claims.toml.
pub fn run(args: &Args, program: &str, checks: &[&[Check]], out: &mut Report) -> anyhow::Result<()> {
    if let Some(parent) = args.alone {
        return alone::answer(parent, checks.iter().copied().flatten().filter(|check| args.asks(check.0)));
    }
    if let Some(path) = &args.records {
        return tell(args, &read(path)?, out);
    }
    if let Some(path) = &args.system {
        return system::print(out, &read(path)?);
    }
    let ours = ledger::of(program, checks)?;
    let asked: Vec<&Statement> = ours.into_iter().filter(|statement| args.asks(statement.number)).collect();
    if let Some(path) = &args.append {
        return append(args, path, program, &asked);
    }
    check_ids(args, program, &asked)?;
    if args.list {
        return asked.iter().try_for_each(|statement| args.print(&Record::listed(statement, args.lang()), out));
    }
    check(args, &asked, out)
}

/// A number that belongs to no claim of the program is an error.
fn check_ids(args: &Args, program: &str, asked: &[&Statement]) -> anyhow::Result<()> {
    for &id in &args.ids {
        if let Some(why) = ledger::why_unchecked(id, args.lang()) {
            return Err(Failure::CannotShow(format!("claim {id}: {why}")).into());
        }
        if !asked.iter().any(|statement| statement.number == id) {
            let why = match ledger::statement(id).and_then(Statement::program) {
                Some(owner) => format!("claim {id} is checked by `{owner} claims {id}`"),
                None => format!("there is no claim {id}; `{program} claims --list` lists those of {program}"),
            };
            return Err(Failure::Usage(why).into());
        }
    }
    Ok(())
}

/// Prints each record as soon as it is there.
fn check(args: &Args, asked: &[&Statement], out: &mut Report) -> anyhow::Result<()> {
    let mut checker = alone::Checker::new(args.timeout)?;
    let mut summary = Summary::new(args.lang(), 0);
    for statement in asked {
        let record = Record::listed(statement, args.lang()).with(checker.check(statement)?);
        summary.count(&record);
        args.print(&record, out)?;
    }
    conclude(out, out.is_json(), &summary)
}

/// As one program of several: a number that is none of its own is another's.
fn append(args: &Args, path: &PathBuf, program: &str, asked: &[&Statement]) -> anyhow::Result<()> {
    let named = || format!("append to {}", path.display());
    let mut file = File::options().append(true).open(path).with_context(named)?;
    let progress = ProgressBar::new(asked.len() as u64).with_prefix(program.to_owned());
    let mut checker = alone::Checker::new(args.timeout)?;
    for statement in asked {
        let listed = Record::listed(statement, args.lang());
        let record = if args.list { listed } else { listed.with(checker.check(statement)?) };
        writeln!(file, "{}", serde_json::to_string(&record)?).with_context(named)?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<Record>> {
    record::parse(&fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?)
}

/// What all programs found.
fn tell(args: &Args, records: &[Record], out: &mut Report) -> anyhow::Result<()> {
    let unchecked = ledger::statements().iter().filter(|statement| statement.program().is_none()).count();
    let mut summary = Summary::new(args.lang(), if args.ids.is_empty() { unchecked } else { 0 });
    for record in records {
        summary.count(record);
        if args.ledger.is_none() {
            args.print(record, out)?;
        }
    }
    if let Some(path) = &args.ledger {
        out.refuse_json()?;
        page::print(out, records, &system::systems(path)?, args.lang())?;
    }
    for &id in &args.ids {
        match ledger::why_unchecked(id, args.lang()) {
            Some(why) => narrate(format_args!("claim {id}: {why}")),
            None if records.iter().any(|record| record.claim == id) => (),
            None => return Err(Failure::Usage(format!("there is no claim {id}")).into()),
        }
    }
    if args.list { Ok(()) } else { conclude(out, out.is_json() || args.ledger.is_some(), &summary) }
}

/// The summary is not a record: where a program reads stdout, it goes to stderr.
fn conclude(out: &mut Report, for_a_program: bool, summary: &Summary) -> anyhow::Result<()> {
    if for_a_program {
        narrate(format_args!("{summary}"));
    } else {
        out.line(format_args!("{summary}"))?;
    }
    if summary.is_as_recorded() { Ok(()) } else { Err(Failure::AlreadySaid.into()) }
}
