//! Signals, and the processes they are sent to: the note's section 信号, one command a file.

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

mod child;
mod narration;
mod proc;
mod process;
mod registry;
mod signal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shared::harness::claims::Check;
use shared::harness::program::{self, Common, Options, Program};
use shared::harness::report::Report;

use self::process::{descriptor, ids, kill, numbers, orphan, states};

/// Signals, and the processes they are sent to, as the note's section 信号 tells of them
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
    /// Where signals come from, whom they reach, and whom not
    Sources(sources::Args),
    /// Ignore, catch, default; and the two signals that leave no choice
    Actions(actions::Args),
    /// Who may stop and kill whose processes
    Permission(permission::Args),
    /// What os/signal promises of its channels, asked of our registry
    Notify(notify::Args),
    /// A process, its parent, and so on up to the root
    Ids(ids::Args),
    /// Each state of a process, made and looked at
    States(states::Args),
    /// Who adopts a child whose parent has ended
    Orphan(orphan::Args),
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
        orphan::CHECKS,
        ids::CHECKS,
        descriptor::CHECKS,
        numbers::CHECKS,
        kill::CHECKS,
        states::CHECKS,
        states::dead::CHECKS,
        states::runnable::CHECKS,
        states::sleeping::CHECKS,
        states::stopped::CHECKS,
        states::traced::CHECKS,
        states::uninterruptible::CHECKS,
        states::zombie::CHECKS,
        claims::CHECKS[0],
    ];

    const MECHANISMS: &'static [shared::harness::bench::Mechanism] = &bench::MECHANISMS;

    fn options(&self) -> &Options {
        &self.options
    }

    fn run(self) -> anyhow::Result<()> {
        if self.options.verbose() {
            narration::begin();
        }
        let out = &mut Report::new(self.options.json);
        match self.command.unwrap_or(Command::Demo) {
            Command::Demo => demo::run(out),
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
            Command::Ids(args) => ids::run(&args, &mut Report::new(args.json)),
            Command::States(args) => states::run(&args, &mut Report::new(args.json)),
            Command::Orphan(args) => orphan::run(&args, &mut Report::new(args.json)),
            Command::Bench(args) => bench::run(&args),
            Command::Common(command) => command.run::<Cli>(),
        }
    }
}
