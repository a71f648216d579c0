//! The one `main` of all programs: a program is its table of commands.
//!
//! Go: `flag`, `os.Exit`. Man: signal(7), wait(2).

use std::env;
use std::io;
use std::process::ExitCode;

use anyhow::Context;
use clap::{ArgMatches, Args, FromArgMatches, Parser, Subcommand};

use crate::harness::bench::{self, Mechanism};
use crate::harness::claims::{self, Check};
use crate::harness::footer::{self, Footer};
use crate::harness::report::{self, Report};
use crate::harness::{manual, usage};
use crate::linux::failure::Failure;
use crate::linux::{pidfd, readiness, signals, stdio};

/// A program: its table of commands. One of them is `demo`, the story.
pub trait Program: Parser + Subcommand {
    /// What `claims` asks.
    const CHECKS: &'static [&'static [Check]];

    /// What `bench` measures, where there is one.
    const MECHANISMS: &'static [Mechanism] = &[];

    /// What the help of its commands ends with.
    const FOOTERS: &'static [Footer] = &[];

    /// Runs the command.
    fn run(self, options: Options) -> anyhow::Result<()>;
}

/// Accepted before and after the command.
#[derive(Clone, Copy, Debug, Args)]
pub struct Options {
    /// Narrate on stderr; twice: also each non-blocking call and what it returned
    #[arg(short, long, global = true, display_order = 100, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Print records as JSON lines
    #[arg(long, global = true, display_order = 100)]
    json: bool,
}

impl Options {
    /// Whether `-v` asks for narration.
    pub fn verbose(&self) -> bool {
        self.verbose > 0
    }

    /// For a command that prints records.
    pub fn records(&self) -> Report {
        Report::new(self.json)
    }

    /// For a command whose result cannot be JSON.
    pub fn text(&self) -> Result<Report, Failure> {
        let out = self.records();
        out.refuse_json().map(|()| out)
    }
}

/// The commands that are the same in all programs.
#[derive(Debug, Subcommand)]
enum Common {
    /// Ask this kernel which of the note's statements hold, of those that belong here
    ///
    /// `--timeout` is for each check: one that takes longer has failed.
    #[command(display_order = 100)]
    Claims(claims::Args),
    /// The other side of one measurement
    #[command(hide = true)]
    BenchPeer(bench::PeerArgs),
    /// Man pages and completions, for `make install`
    #[command(hide = true)]
    Manual(manual::Args),
}

/// From the first instruction to the exit code.
pub fn main<P: Program>() -> ExitCode {
    let begun = begin();
    let mut program = command_line::<P>();
    stdio::name(program.get_name());
    let matches = match program.try_get_matches_from_mut(env::args_os()) {
        Ok(matches) => matches,
        Err(error) => return usage::exit(&error, &command_line::<P>()),
    };
    let options: Options = read(&matches);
    if options.verbose() {
        stdio::be_verbose();
    }
    if options.verbose > 1 {
        readiness::trace_calls(stdio::narrate);
    }
    let ready = begun.context("sigaction").and_then(|()| pidfd::check_kernel());
    report::exit(ready.and_then(|()| run::<P>(program.get_name(), &matches, options)))
}

/// Undoes what would keep a program from ending, or from hearing how its children ended.
fn begin() -> io::Result<()> {
    signals::unblock()?;
    pidfd::keep_how_children_end()
}

/// The commands of `P` with those of all programs, and the options before and after each.
fn command_line<P: Program>() -> clap::Command {
    let common = Common::augment_subcommands(Options::augment_args(clap::Command::new("common")));
    let all = P::command().args(common.get_arguments().cloned()).subcommands(common.get_subcommands().cloned());
    let all = footer::add(all, P::FOOTERS).mut_subcommands(|command| command.arg_required_else_help(false));
    let all = all.mut_subcommand("claims", |claims| claims.mut_arg("ids", claims::offer::<P>));
    let all = if P::MECHANISMS.is_empty() { all } else { all.mut_subcommand("bench", bench::offer::<P>) };
    all.subcommand_required(false).arg_required_else_help(false).args_override_self(true)
}

fn run<P: Program>(name: &str, matches: &ArgMatches, options: Options) -> anyhow::Result<()> {
    match matches.subcommand_name() {
        None => P::parse_from([name, "demo"]).run(options),
        Some(command) if P::has_subcommand(command) => read::<P>(matches).run(options),
        Some(_) => match read(matches) {
            Common::Claims(args) => claims::run(&args, name, P::CHECKS, &mut options.records()),
            Common::BenchPeer(args) => bench::answer(&args, P::MECHANISMS),
            Common::Manual(args) => {
                options.text()?;
                manual::install(&args, command_line::<P>())
            }
        },
    }
}

/// What has been parsed, by its type.
fn read<T: FromArgMatches>(matches: &ArgMatches) -> T {
    T::from_arg_matches(matches).unwrap_or_else(|error| error.exit())
}
