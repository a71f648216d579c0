//! The one `main` of all programs: a program is its table of commands.
//!
//! Go: `flag`, `os.Exit`. Man: signal(7), wait(2).

use std::io;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::harness::bench::{self, Mechanism};
use crate::harness::claims::{self, Check};
use crate::harness::manual;
use crate::harness::report::{self, Report};
use crate::linux::failure::Failure;
use crate::linux::{pidfd, readiness, signals, stdio};

/// A program, by its command line.
pub trait Program: Parser {
    /// What `claims` asks.
    const CHECKS: &'static [&'static [Check]];

    /// What `bench` measures, where there is one.
    const MECHANISMS: &'static [Mechanism] = &[];

    /// The options that all programs have.
    fn options(&self) -> &Options;

    /// Does what the command line says.
    fn run(self) -> anyhow::Result<()>;
}

/// Accepted before and after the command.
#[derive(Clone, Copy, Debug, Args)]
pub struct Options {
    /// Narrate on stderr; twice: also each non-blocking call and what it returned
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Print records as JSON lines
    #[arg(long, global = true)]
    pub json: bool,
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
        if self.json {
            Err(Failure::Usage("this command has no records to print as JSON".into()))
        } else {
            Ok(self.records())
        }
    }
}

/// The commands that are the same in all programs.
#[derive(Debug, Subcommand)]
pub enum Common {
    /// Ask this kernel which of the note's statements hold, of those that belong here
    Claims(claims::Args),
    /// The other side of one measurement
    #[command(hide = true)]
    BenchPeer(bench::PeerArgs),
    /// Man pages and completions, for `make install`
    #[command(hide = true)]
    Manual(manual::Args),
}

impl Common {
    /// Runs the command for `P`.
    pub fn run<P: Program>(self) -> anyhow::Result<()> {
        match self {
            Common::Claims(args) => claims::run(&args, &name::<P>(), P::CHECKS),
            Common::BenchPeer(args) => bench::answer(&args, P::MECHANISMS),
            Common::Manual(args) => manual::install(&args, P::command()),
        }
    }
}

fn name<P: Program>() -> String {
    P::command().get_name().to_owned()
}

/// From the first instruction to the exit code.
pub fn main<P: Program>() -> ExitCode {
    let begun = begin();
    let program = P::parse();
    stdio::name(&name::<P>());
    if program.options().verbose() {
        stdio::be_verbose();
    }
    if program.options().verbose > 1 {
        readiness::trace_calls(stdio::narrate);
    }
    report::exit(begun.context("sigaction").and_then(|()| program.run()))
}

/// Undoes what would keep a program from ending, or from hearing how its children ended.
fn begin() -> io::Result<()> {
    signals::unblock()?;
    pidfd::keep_how_children_end()
}
