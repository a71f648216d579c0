//! The command `claims`: what the note says, asked of this kernel.
//!
//! A claim's row stands in the module of its experiment, and its check calls the code that the module's
//! command runs. Each check is a process of its own, this program again: whatever it does to itself
//! (signals, limits, children, namespaces) ends with it, and so does a check that hangs.
//!
//! Note: all of it, "Golang笔记-多进程编程理论". Go: `testing.T`. Man: memfd_create(2), PR_SET_PDEATHSIG in prctl(2), pidfd_open(2).

mod alone;
mod ledger;
mod record;
pub mod unchecked;

use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use crate::harness::report::{Failure, Pairs, Report, narrate};
use record::{Observed, Record, Summary};

/// The note's headings in its order, after its title, under which its first sentences stand.
pub const HEADINGS: [&str; 20] = [
    "Golang笔记-多进程编程理论",
    "进程",
    "进程的定义",
    "进程的衍生",
    "进程的标识",
    "进程的状态",
    "进程的空间",
    "系统调用",
    "进程的切换和调度",
    "关于同步",
    "管道",
    "信号",
    "Socket",
    "Socket的基本特征",
    "基于TCP/IP协议栈的Socket通讯",
    "Read方法",
    "Write方法",
    "Close方法",
    "LocalAddr和RemoteAddr方法",
    "SetDeadline、SetReadDeadline、SetWriteDeadline方法",
];

/// What a sentence of the note comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// So it is.
    Holds,
    /// So it is, with exceptions.
    Imprecise,
    /// So it is not.
    Refuted,
    /// So it was.
    Outdated,
}

/// A sentence of the note and the experiment that tells whether it holds.
#[derive(Debug)]
pub struct Claim {
    /// Its number, everywhere.
    pub number: u16,
    /// The note's heading over it, one of [`HEADINGS`].
    pub heading: &'static str,
    /// What the note says, in our words.
    pub says: &'static str,
    /// What it comes to on Linux 6.
    pub verdict: Verdict,
    /// The command of the program that shows it, with arguments; empty where only `claims` does.
    pub command: &'static str,
    /// The experiment.
    pub check: fn() -> anyhow::Result<Seen>,
}

/// What an experiment saw, in this run, on this kernel.
#[derive(Debug, Serialize, Deserialize)]
pub struct Seen {
    verdict: Verdict,
    evidence: String,
}

impl Seen {
    /// Everything was `as_noted`.
    pub fn holds(as_noted: bool, evidence: impl fmt::Display) -> Seen {
        Seen::new(if as_noted { Verdict::Holds } else { Verdict::Refuted }, evidence)
    }

    /// It was `as_noted` in the case that the note has in mind, but there was an `exception`.
    pub fn imprecise(as_noted: bool, exception: bool, evidence: impl fmt::Display) -> Seen {
        let verdict = match (as_noted, exception) {
            (true, true) => Verdict::Imprecise,
            (true, false) => Verdict::Holds,
            (false, _) => Verdict::Refuted,
        };
        Seen::new(verdict, evidence)
    }

    /// There was a `counterexample`.
    pub fn refuted(counterexample: bool, evidence: impl fmt::Display) -> Seen {
        Seen::new(if counterexample { Verdict::Refuted } else { Verdict::Holds }, evidence)
    }

    /// It is `otherwise` on this kernel than it was on older ones.
    pub fn outdated(otherwise: bool, evidence: impl fmt::Display) -> Seen {
        Seen::new(if otherwise { Verdict::Outdated } else { Verdict::Holds }, evidence)
    }

    fn new(verdict: Verdict, evidence: impl fmt::Display) -> Seen {
        Seen { verdict, evidence: evidence.to_string() }
    }
}

/// A record of an experiment as evidence: what it saw, without what the note says of it.
pub fn seen(record: &impl Serialize) -> String {
    let mut record = serde_json::to_value(record).unwrap_or_default();
    if let Some(record) = record.as_object_mut() {
        record.retain(|key, _| !["note", "claim"].contains(&key.as_str()));
    }
    Pairs(record).to_string()
}

/// What `items` say, with `between` them: evidence, too.
pub fn joined(items: impl IntoIterator<Item: fmt::Display>, between: &str) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(between)
}

/// The options of `claims`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these, by number [default: all]
    #[arg(value_name = "ID")]
    ids: Vec<u16>,
    /// Print JSON lines
    #[arg(long)]
    pub json: bool,
    /// Print what is recorded and ask nothing
    #[arg(long, conflicts_with = "append")]
    list: bool,
    /// Give each check so long
    #[arg(long, value_name = "DURATION", value_parser = crate::harness::duration::parse, default_value = "20s")]
    timeout: Duration,
    /// Append the records to this file, for `make claims`
    #[arg(long, hide = true, value_name = "FILE")]
    append: Option<PathBuf>,
    /// Print the records of this file, in the note's order
    #[arg(long, hide = true, value_name = "FILE", conflicts_with = "append")]
    records: Option<PathBuf>,
    /// With --records: as the page docs/claims.md
    #[arg(long, hide = true)]
    ledger: bool,
    /// Be the process of this one check, and leave what it saw on stdout
    #[arg(long, hide = true, value_name = "PARENT", requires = "ids")]
    alone: Option<i32>,
}

/// Checks claims of `program`, which are those of its modules.
pub fn run(args: &Args, program: &str, claims: &[&[Claim]]) -> anyhow::Result<()> {
    let mut claims: Vec<&Claim> = claims.iter().copied().flatten().collect();
    claims.sort_by_key(|claim| claim.number);
    if let Some(parent) = args.alone {
        return alone::answer(parent, &chosen(args, program, &claims)?);
    }
    if let Some(path) = &args.records {
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        return tell(args, &record::parse(&text)?);
    }
    if args.list {
        let mut out = Report::new(args.json);
        return chosen(args, program, &claims)?
            .iter()
            .try_for_each(|claim| out.record(&Record::listed(claim, program)));
    }
    match &args.append {
        Some(path) => append(args, path, program, &claims),
        None => check(args, program, &chosen(args, program, &claims)?),
    }
}

/// Those asked for. A number that belongs to no claim of the program is an error.
fn chosen<'a>(args: &Args, program: &str, claims: &[&'a Claim]) -> anyhow::Result<Vec<&'a Claim>> {
    for id in &args.ids {
        if let Some(unchecked) = unchecked::find(*id) {
            return Err(Failure::CannotShow(format!("claim {id}: {unchecked}")).into());
        }
        if !claims.iter().any(|claim| claim.number == *id) {
            let hint = format!("`make claims ARGS={id}` asks all programs");
            return Err(Failure::Usage(format!("{program} has no claim {id}; {hint}")).into());
        }
    }
    Ok(asked(args, claims))
}

fn asked<'a>(args: &Args, claims: &[&'a Claim]) -> Vec<&'a Claim> {
    claims.iter().copied().filter(|claim| args.ids.is_empty() || args.ids.contains(&claim.number)).collect()
}

/// Prints each record as soon as it is there.
fn check(args: &Args, program: &str, claims: &[&Claim]) -> anyhow::Result<()> {
    let mut out = Report::new(args.json);
    let mut checker = alone::Checker::new(args.timeout)?;
    let mut summary = Summary::default();
    for claim in claims {
        let record = Record::new(claim, program, checker.check(claim)?);
        summary.count(&record);
        out.record(&record)?;
    }
    conclude(&mut out, args.json, &summary)
}

/// As one of many programs: a number that is none of its claims is another's.
fn append(args: &Args, path: &PathBuf, program: &str, claims: &[&Claim]) -> anyhow::Result<()> {
    let named = || format!("append to {}", path.display());
    let mut file = File::options().append(true).open(path).with_context(named)?;
    let claims = asked(args, claims);
    let progress = ProgressBar::new(claims.len() as u64).with_prefix(program.to_owned());
    let mut checker = alone::Checker::new(args.timeout)?;
    for claim in claims {
        let record = Record::new(claim, program, checker.check(claim)?);
        writeln!(file, "{}", serde_json::to_string(&record)?).with_context(named)?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(())
}

/// What all programs found.
fn tell(args: &Args, records: &[Record]) -> anyhow::Result<()> {
    let mut out = Report::new(args.json);
    let unchecked = if args.ids.is_empty() { unchecked::UNCHECKED.len() } else { 0 };
    let mut summary = Summary::beside(unchecked);
    for record in records {
        summary.count(record);
        if !args.ledger {
            out.record(record)?;
        }
    }
    if args.ledger {
        ledger::print(&mut out, records)?;
    }
    for id in &args.ids {
        match unchecked::find(*id) {
            Some(unchecked) => narrate(format_args!("claim {id}: {unchecked}")),
            None if records.iter().any(|record| record.claim == *id) => (),
            None => return Err(Failure::Usage(format!("there is no claim {id}")).into()),
        }
    }
    conclude(&mut out, args.json || args.ledger, &summary)
}

/// The summary is no record: where stdout is to be read by a program it goes to stderr.
fn conclude(out: &mut Report, for_a_program: bool, summary: &Summary) -> anyhow::Result<()> {
    if for_a_program {
        narrate(format_args!("{summary}"));
    } else {
        out.line(format_args!("{summary}"))?;
    }
    if summary.contradicts() { Err(Failure::AlreadySaid.into()) } else { Ok(()) }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Holds => "holds",
            Verdict::Imprecise => "imprecise",
            Verdict::Refuted => "refuted",
            Verdict::Outdated => "outdated",
        })
    }
}

impl From<Verdict> for Observed {
    fn from(verdict: Verdict) -> Observed {
        match verdict {
            Verdict::Holds => Observed::Holds,
            Verdict::Imprecise => Observed::Imprecise,
            Verdict::Refuted => Observed::Refuted,
            Verdict::Outdated => Observed::Outdated,
        }
    }
}
