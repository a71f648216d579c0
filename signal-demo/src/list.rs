//! The 62 signals, as bash's `kill -l` lists them, and what each does to a process that has said nothing.
//!
//! The kernel knows 64; the C library keeps 32 and 33 to itself (claim 107).
//!
//! Note: 信号 ("kill -l", "支持62种信号"). Go: the constants of `syscall.Signal`. Man: signal(7).

mod default_action;
pub mod hidden;

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde::Serialize;
use shared::harness::claims::{Check, Seen, joined};
use shared::harness::report::Report;
use shared::linux::failure::Failure;

use self::default_action::{DefaultAction, Experiment};
use crate::actions;

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

pub const CHECKS: &[Check] = &[(106, positive_numbers_with_names), (114, one_of_five_by_default), (115, most_are_free)];

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

fn positive_numbers_with_names() -> anyhow::Result<Seen> {
    let listed = kill_l()?;
    let well_named = listed.iter().filter(|(number, name)| *number > 0 && name.starts_with("SIG")).count();
    let known = hidden::accepted(listed.iter().map(|(number, _)| *number))?.len();
    let ours = Signal::all().filter(|signal| listed.contains(&(signal.number(), signal.to_string()))).count();
    let accepted = hidden::accepted([-1, 0])?;
    let refused: Vec<i32> = [-1, 0].into_iter().filter(|number| !accepted.contains(number)).collect();
    let evidence = format!(
        "kill -l lists {}: {well_named} begin with SIG, {ours} are ours, {known} the kernel accepts; it refuses {}",
        listed.len(),
        joined(&refused, " and ")
    );
    Ok(Seen::holds([well_named, known] == [listed.len(); 2] && refused == [-1, 0], evidence))
}

/// What bash prints: ` 1) SIGHUP  2) SIGINT …`.
fn kill_l() -> anyhow::Result<Vec<(i32, String)>> {
    let mut bash = Command::new("bash");
    // It would print names only, and without SIG.
    bash.args(["-c", "builtin kill -l"]).env_remove("POSIXLY_CORRECT").stderr(Stdio::null());
    let output = bash.output().map_err(|error| Failure::CannotShow(format!("bash: {error}")))?;
    let text = String::from_utf8(output.stdout).context("kill -l")?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let (pairs, rest) = words.as_chunks::<2>();
    ensure!(!pairs.is_empty() && rest.is_empty(), "kill -l: {text}");
    pairs.iter().map(|[number, name]| Ok((number.trim_end_matches(')').parse()?, (*name).to_owned()))).collect()
}

fn standard() -> impl Iterator<Item = Signal> {
    Signal::all().filter(|signal| !signal.is_real_time())
}

fn one_of_five_by_default() -> anyhow::Result<Seen> {
    let experiment = Experiment::prepare()?;
    let mut actions: BTreeMap<DefaultAction, u32> = BTreeMap::new();
    for signal in standard() {
        *actions.entry(experiment.observe(signal)?).or_default() += 1;
    }
    let source = if experiment.sees_cores() { "" } else { " (core as signal(7) says)" };
    experiment.clean_up()?;
    let counts: Vec<String> = actions.iter().map(|(action, count)| format!("{action:?} {count}")).collect();
    Ok(Seen::holds(actions.len() == 5, format!("{}{source}", counts.join(", ").to_lowercase())))
}

/// Those whose handler ran.
fn most_are_free() -> anyhow::Result<Seen> {
    let (mut caught, mut refused) = (0, Vec::new());
    for signal in standard() {
        if action::is_free(signal)? {
            caught += actions::catch(signal)?;
        } else {
            refused.push(signal.to_string());
        }
    }
    let all = standard().count();
    let evidence = format!("our handler ran for {caught} of {all}; refused: {}", refused.join(", "));
    Ok(Seen::holds(caught > all / 2, evidence))
}
