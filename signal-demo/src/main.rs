//! Signals: the note's section 信号, one command a file.

mod demo;
mod list;
mod send;
mod wait;
mod mask;
mod queue;
mod order;
mod sources;
mod actions;
mod permission;
mod notify;
mod bench;
mod claims;

mod registry;
mod signal;

use std::process::ExitCode;

use clap::Parser;
use shared::harness::bench::Mechanism;
use shared::harness::claims::Check;
use shared::harness::program::{self, Options, Program};

/// Signals, as the note's section 信号 tells of them
///
/// Without a command it tells the story of the note's program: two receivers of signals that it sends to itself.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// The story of the note's program
    Demo(demo::Args),
    /// All signals: number, name, what each does by default, whether it can be caught
    List(list::Args),
    /// Send a signal to a process
    Send(send::Args),
    /// Wait for signals, and tell who sent each
    Wait(wait::Args),
    /// What a process has blocked, ignored and caught, and what is pending
    Mask(mask::Args),
    /// What is kept of a signal that is sent again before it is taken
    Queue(queue::Args),
    /// Which of several pending signals comes first
    Order(order::Args),
    /// Where signals come from, and what they reach
    Sources(sources::Args),
    /// Ignore, catch, default; and the two signals that leave no choice
    Actions(actions::Args),
    /// Who may stop and kill whose processes
    Permission(permission::Args),
    /// What os/signal promises of its channels, asked of our registry
    Notify(notify::Args),
    /// Round trips by signals, on one scale with the other programs' mechanisms; what the registry costs
    Bench(bench::Args),
}

fn main() -> ExitCode {
    program::main::<Command>()
}

impl Program for Command {
    const CHECKS: &'static [&'static [Check]] = claims::CHECKS;

    const MECHANISMS: &'static [Mechanism] = &bench::MECHANISMS;

    fn run(self, options: Options) -> anyhow::Result<()> {
        let out = &mut options.records();
        match self {
            Command::Demo(args) => demo::run(&args, out),
            Command::List(args) => list::run(&args, out),
            Command::Send(args) => send::run(&args, out),
            Command::Wait(args) => wait::run(&args, out),
            Command::Mask(args) => mask::run(&args, out),
            Command::Queue(args) => queue::run(&args, out),
            Command::Order(args) => order::run(&args, out),
            Command::Sources(args) => sources::run(&args, out),
            Command::Actions(args) => actions::run(&args, out),
            Command::Permission(args) => permission::run(&args, out),
            Command::Notify(args) => notify::run(&args, out),
            Command::Bench(args) => bench::run(&args),
        }
    }
}
