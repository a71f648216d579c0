//! What the note's section 关于同步 says of processes that meet at one place. One command a file.

mod atomic;
mod exclusion;
mod increments;
mod interrupted;
mod mutex;
mod race;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shared::harness::bench::Mechanism;
use shared::harness::claims::Check;
use shared::harness::program::{self, Common, Options, Program};
use shared::harness::report::Report;

/// Processes that meet at one number, as the note's section 关于同步 tells of them
#[derive(Parser)]
#[command(name = "sync-demo", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Command {
    /// Let processes add to one number in shared memory, and count the updates that are lost
    Race(race::Args),
    #[command(flatten)]
    Common(Common),
}

fn main() -> ExitCode {
    program::main::<Cli>()
}

impl Program for Cli {
    const CHECKS: &'static [&'static [Check]] = &[
        race::CHECKS,
        increments::CHECKS,
        exclusion::preempted::CHECKS,
        interrupted::CHECKS,
        atomic::compare_and_swap::CHECKS,
        atomic::words::CHECKS,
        exclusion::CHECKS,
    ];

    const MECHANISMS: &'static [Mechanism] = &[];

    fn options(&self) -> &Options {
        &self.options
    }

    fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Race(args) => race::run(&args, Report::new(self.options.json)),
            Command::Common(command) => command.run::<Cli>(),
        }
    }
}
