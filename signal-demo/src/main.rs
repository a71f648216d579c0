//! Signals, and the processes they are sent to: the note's section 信号, one command a file.

mod child;
mod demo;
mod list;
mod mask;
mod narration;
mod proc;
mod registry;
mod send;
mod signal;
mod wait;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use shared::report::Report;
use shared::{manual, readiness, report};

/// Signals, and the processes they are sent to, as the note's section 信号 tells of them
///
/// Without a command it tells the story of the note's program: two receivers of signals that it sends to itself.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Tell on stderr what is done; twice: also every non-blocking call and what it returned
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// The story of the note's program
    Demo,
    /// The 62 signals: number, name, what each does by default, whether it can be caught
    List(list::Args),
    /// Send a signal to a process
    Send(send::Args),
    /// Wait for signals, and tell who sent each
    Wait(wait::Args),
    /// What a process has blocked, ignored and caught, and what waits for it
    Mask(mask::Args),
    #[command(hide = true)]
    Manual(manual::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.verbose > 0 {
        narration::begin();
    }
    if cli.verbose > 1 {
        readiness::trace_calls();
    }
    report::exit(run(cli))
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command.unwrap_or(Command::Demo) {
        Command::Demo => demo::run(&mut Report::new(false)),
        Command::List(args) => list::run(&args, &mut Report::new(args.json)),
        Command::Send(args) => send::run(&args, &mut Report::new(args.json)),
        Command::Wait(args) => wait::run(&args, &mut Report::new(args.json)),
        Command::Mask(args) => mask::run(&args, &mut Report::new(args.json)),
        Command::Manual(args) => manual::install(&args, Cli::command()),
    }
}
