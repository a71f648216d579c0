//! Signals: the note's section 信号, one command a file.

mod actions;
mod bench;
mod channels;
mod child;
mod demo;
mod hidden;
mod launcher;
mod list;
mod mask;
mod narration;
mod order;
mod permission;
mod queue;
mod registry;
mod send;
mod signal;
mod sources;
mod unasked;
mod wait;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shared::harness::claims::Check;
use shared::harness::program::{self, Common, Options, Program};
use shared::harness::report::Report;

/// Signals, as the note's section 信号 tells of them
///
/// Without a command it tells the story of the note's program: two receivers of signals that it sends to itself.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
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
    /// How often a signal waits that is sent again before it is taken
    Queue(queue::Args),
    /// Who comes first of several signals that wait
    Order(order::Args),
    /// Ignore, catch, default; and the two signals that leave no choice
    Actions(actions::Args),
    /// Round trips by signals, on one scale with the other programs' mechanisms; what the registry costs
    Bench(bench::Args),
    #[command(flatten)]
    Common(Common),
}

fn main() -> ExitCode {
    program::main::<Cli>()
}

impl Program for Cli {
    const CHECKS: &'static [&'static [Check]] = &[
        unasked::CHECKS,
        list::CHECKS,
        hidden::CHECKS,
        queue::CHECKS,
        order::CHECKS,
        sources::CHECKS,
        actions::CHECKS,
        channels::CHECKS,
        permission::CHECKS,
        launcher::CHECKS,
    ];

    const MECHANISMS: &'static [shared::harness::bench::Mechanism] = &bench::MECHANISMS;

    fn options(&self) -> &Options {
        &self.options
    }

    fn run(self) -> anyhow::Result<()> {
        if self.options.verbose() {
            narration::begin();
        }
        match self.command.unwrap_or(Command::Demo) {
            Command::Demo => demo::run(&mut Report::new(false)),
            Command::List(args) => list::run(&args, &mut Report::new(args.json)),
            Command::Send(args) => send::run(&args, &mut Report::new(args.json)),
            Command::Wait(args) => wait::run(&args, &mut Report::new(args.json)),
            Command::Mask(args) => mask::run(&args, &mut Report::new(args.json)),
            Command::Queue(args) => queue::run(&args, &mut Report::new(args.json)),
            Command::Order(args) => order::run(&mut Report::new(args.json)),
            Command::Actions(args) => actions::run(&mut Report::new(args.json)),
            Command::Bench(args) => bench::run(&args),
            Command::Common(command) => command.run::<Cli>(),
        }
    }
}
