//! Pipes between processes, and what processes need besides: the note's sections 管道 and 关于同步,
//! with fork, copy-on-write and exec from 进程. One command a file.

mod atomicity;
mod bench;
mod capacity;
mod children;
mod deadlock;
mod demo;
mod io_pipe;
mod ipc;
mod os_pipe;
mod pipeline;
mod process;
mod run;
mod status;
mod step;
mod stranger;
mod sync;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use shared::harness::claims::{self, Check};
use shared::harness::report::Report;
use shared::harness::{manual, ping_pong, report};
use shared::linux::{pidfd, readiness};

/// Pipes, processes and their race for shared memory, as the note's sections 管道 and 关于同步 tell of them
///
/// Without a command it tells the note's stories: echo read in pieces and by line, ps aux piped into grep,
/// a pipe of the kernel's and one in memory.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Tell on stderr what is done; twice: also every non-blocking call and what it returned
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Print records as JSON lines
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// The note's stories: echo, ps aux | grep, a pipe of the kernel's and one in memory
    Demo,
    /// Run a command and read its output to the end, then reap it
    Run(run::Args),
    /// Run any number of commands at once, the output of each the input of the next
    Pipeline(pipeline::Args),
    /// Show how a pipe that is filled before its reader starts hangs for ever
    Deadlock(deadlock::Args),
    /// Show what each end of a kernel pipe refuses, and what it sees when the other is closed
    OsPipe,
    /// Show what a pipe in memory promises, as Go's io.Pipe does
    IoPipe(io_pipe::Args),
    /// Fill a pipe until its writer would have to wait
    Capacity(capacity::Args),
    /// Count the messages of many writers that arrive torn
    Atomicity(atomicity::Args),
    /// Let processes add to one number in shared memory, and count the updates that are lost
    Race(sync::race::Args),
    /// Show what a forked child shares with its parent, and what exec leaves of it
    Fork(process::fork::Args),
    /// Round trips and throughput of pipes and of shared memory, on one scale with the other programs' mechanisms
    Bench(ping_pong::Args),
    /// Ask this kernel which of the note's statements about pipes, synchronisation and memory hold
    Claims(claims::Args),
    #[command(hide = true)]
    BenchPeer(ping_pong::PeerArgs),
    #[command(hide = true)]
    Manual(manual::Args),
}

/// What `claims` asks.
const CHECKS: &[&[Check]] = &[
    bench::fastest::CHECKS,
    ipc::kinds::CHECKS,
    ipc::messages::CHECKS,
    process::addresses::CHECKS,
    process::fork::CHECKS,
    process::frames::CHECKS,
    process::intruder::CHECKS,
    process::modes::CHECKS,
    process::pages::CHECKS,
    process::privileges::CHECKS,
    process::sealed::CHECKS,
    process::switches::CHECKS,
    sync::increment::CHECKS,
    sync::interrupted::CHECKS,
    sync::flags::CHECKS,
    sync::preempted::CHECKS,
    sync::race::CHECKS,
    sync::retry::CHECKS,
    sync::words::CHECKS,
    run::arguments::CHECKS,
    run::reads::CHECKS,
    run::ends::CHECKS,
    pipeline::CHECKS,
    stranger::CHECKS,
    os_pipe::CHECKS,
    capacity::CHECKS,
    deadlock::CHECKS,
    atomicity::CHECKS,
    io_pipe::CHECKS,
];

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.verbose > 1 {
        readiness::trace_calls();
    }
    report::exit(run(cli))
}

fn run(cli: Cli) -> anyhow::Result<()> {
    pidfd::keep_how_children_end()?;
    let verbose = cli.verbose > 0;
    let out = Report::new(cli.json);
    match cli.command.unwrap_or(Command::Demo) {
        Command::Demo => demo::run(verbose, out),
        Command::Run(args) => run::run(args, verbose, out),
        Command::Pipeline(args) => pipeline::run(args, verbose),
        Command::Deadlock(args) => deadlock::run(&args, out),
        Command::OsPipe => os_pipe::run(out),
        Command::IoPipe(args) => io_pipe::run(&args, out),
        Command::Capacity(args) => capacity::run(&args, out),
        Command::Atomicity(args) => atomicity::run(&args, out),
        Command::Race(args) => sync::race::run(&args, out),
        Command::Fork(args) => process::fork::run(&args, out),
        Command::Bench(args) => ping_pong::run(&args, &bench::MECHANISMS, || ()),
        Command::BenchPeer(args) => ping_pong::answer(&args, &bench::MECHANISMS),
        Command::Claims(args) => claims::run(&args, env!("CARGO_PKG_NAME"), CHECKS),
        Command::Manual(args) => manual::install(&args, Cli::command()),
    }
}
