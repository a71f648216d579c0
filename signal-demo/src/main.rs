//! Signals: the note's section 信号, one command a file.

mod demo;
mod list;
mod send;
mod wait;
mod ended;
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
use shared::harness::footer::Footer;
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
    /// Wait until processes have ended that are no children
    Ended(ended::Args),
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

/// Examples and related pages of the commands: `%` is the program.
const FOOTERS: &[Footer] = &[
    ("list", &["% list", "% list SIGRTMIN+1"], "kill(1), signal(7)"),
    ("send", &["% send $$ 0", "% send --name worker RTMIN+1 --value 7"], "% wait, kill(1), sigqueue(3)"),
    (
        "wait",
        &["% wait USR1 --timeout 10", "% wait INT TERM HUP --count 3 --json"],
        "% send, sigwaitinfo(2), signalfd(2)",
    ),
    ("ended", &["% ended $$ --timeout 0.1"], "% wait, % send, pidfd_open(2), waitpid(1)"),
    ("mask", &["% mask $$"], "% list, SigBlk in proc(5)"),
    ("queue", &["% queue --count 10"], "% order, sigqueue(3)"),
    ("order", &[], "% queue, signal(7)"),
    ("sources", &[], "% wait, kill(2)"),
    ("actions", &["% actions --first-process"], "sigaction(2), pid_namespaces(7)"),
    ("permission", &[], "kill(2), credentials(7)"),
    ("notify", &[], "% wait, signalfd(2)"),
];

fn main() -> ExitCode {
    program::main::<Command>()
}

impl Program for Command {
    const CHECKS: &'static [&'static [Check]] = claims::CHECKS;

    const MECHANISMS: &'static [Mechanism] = &bench::MECHANISMS;

    const FOOTERS: &'static [Footer] = FOOTERS;

    fn run(self, options: Options) -> anyhow::Result<()> {
        let out = &mut options.records();
        match self {
            Command::Demo(args) => demo::run(&args, &mut options.text()?),
            Command::List(args) => list::run(&args, out),
            Command::Send(args) => send::run(&args, out),
            Command::Wait(args) if args.go => wait::run(&args, &mut options.text()?),
            Command::Wait(args) => wait::run(&args, out),
            Command::Ended(args) => ended::run(&args, out),
            Command::Mask(args) => mask::run(&args, out),
            Command::Queue(args) => queue::run(&args, out),
            Command::Order(args) => order::run(&args, out),
            Command::Sources(args) => sources::run(&args, out),
            Command::Actions(args) => actions::run(&args, out),
            Command::Permission(args) => permission::run(&args, out),
            Command::Notify(args) => notify::run(&args, out),
            Command::Bench(args) => bench::run(&args, out),
        }
    }
}
