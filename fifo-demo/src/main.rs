//! Named pipes: the second half of the note's section 管道, one command a file.

mod bench;
mod demo;
mod eof;
mod make;
mod mux;
mod open_modes;
mod recv;
mod send;

mod fifo;
mod inlet;
mod outlet;
mod patience;
mod process;
mod scratch;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use shared::harness::claims::{self, Check};
use shared::harness::report::Report;
use shared::harness::{manual, ping_pong, report};
use shared::linux::{pidfd, readiness};

/// Named pipes (FIFOs), as the note's section 管道 tells of them
///
/// Without a command it holds the note's shell session: mkfifo, tee and cat.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Tell on stderr what is done; twice: also every non-blocking call and what it returned
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// The note's shell session
    Demo,
    /// Make a FIFO
    Make(make::Args),
    /// Write into a FIFO
    Send(send::Args),
    /// Read from a FIFO, to stdout and into files
    Recv(recv::Args),
    /// Who waits in open(2), and who does not
    OpenModes(open_modes::Args),
    /// The end when the last writer leaves, the wake-ups without end after it, and their cures
    Eof(eof::Args),
    /// Many writers, one reader: which records stay whole
    Mux(mux::Args),
    #[command(hide = true)]
    MuxWriter(mux::writer::Args),
    /// Round trips and throughput of a FIFO, blocking and not, on one scale with the other programs' mechanisms
    Bench(ping_pong::Args),
    /// Ask this kernel which of the note's statements about named pipes hold
    Claims(claims::Args),
    #[command(hide = true)]
    BenchPeer(ping_pong::PeerArgs),
    #[command(hide = true)]
    Manual(manual::Args),
}

/// What `claims` asks.
const CHECKS: &[&[Check]] = &[make::CHECKS, demo::CHECKS, open_modes::CHECKS, mux::CHECKS];

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.verbose > 1 {
        readiness::trace_calls();
    }
    report::exit(run(cli))
}

fn run(cli: Cli) -> anyhow::Result<()> {
    pidfd::keep_how_children_end()?;
    match cli.command.unwrap_or(Command::Demo) {
        Command::Demo => demo::run(&mut Report::new(false)),
        Command::Make(args) => make::run(&args),
        Command::Send(args) => send::run(&args, cli.verbose > 0),
        Command::Recv(args) => recv::run(&args, cli.verbose > 0),
        Command::OpenModes(args) => open_modes::run(&args),
        Command::Eof(args) => eof::run(&args),
        Command::Mux(args) => mux::run(&args),
        Command::MuxWriter(args) => mux::writer::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::BenchPeer(args) => ping_pong::answer(&args, &bench::MECHANISMS),
        Command::Claims(args) => claims::run(&args, env!("CARGO_PKG_NAME"), CHECKS),
        Command::Manual(args) => manual::install(&args, Cli::command()),
    }
}
