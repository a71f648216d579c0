//! Sockets of the Unix domain: the note's section Socket over a path, one command a file.

mod address;
mod bench;
mod boundaries;
mod client;
mod credentials;
mod demo;
mod load;
mod meeting_place;
mod names;
mod network;
mod pass_fd;
mod serve;
mod unixgram;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use shared::harness::claims::{self, Check};
use shared::harness::report::Report;
use shared::harness::{manual, ping_pong, report};
use shared::linux::readiness;

/// Sockets of the Unix domain, as the note's section Socket tells of them
///
/// Without a command it holds the conversation of the note's program over a path, and shows what becomes of
/// three messages on each type of socket.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, args_override_self = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    demo: demo::Args,
    /// Tell on stderr what is done; twice: also every non-blocking call and what it returned
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Stream, datagram and seqpacket side by side: what one read returns
    Boundaries(boundaries::Args),
    /// The conversation of the note's program over a path
    Demo(demo::Args),
    /// A server of cube roots
    Serve(serve::Args),
    /// A client: numbers from the arguments or from stdin, one answer a line
    Client(client::Args),
    /// A load for a server: many connections, every answer verified
    Load(load::Args),
    /// An open file travels to another process (SCM_RIGHTS)
    PassFd(pass_fd::Args),
    /// Who is at the other end: PID, UID and GID (SO_PEERCRED)
    Credentials(credentials::Args),
    /// Round trips and throughput of Unix sockets, on one scale with the other programs' mechanisms
    Bench(ping_pong::Args),
    /// Ask this kernel which of the note's statements about sockets in the Unix domain hold
    Claims(claims::Args),
    #[command(hide = true)]
    BenchPeer(ping_pong::PeerArgs),
    #[command(hide = true)]
    Manual(manual::Args),
}

/// What `claims` asks.
const CHECKS: &[&[Check]] = &[network::CHECKS, names::CHECKS, boundaries::CHECKS, unixgram::CHECKS];

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.verbose > 1 {
        readiness::trace_calls();
    }
    report::exit(run(cli))
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command.unwrap_or(Command::Demo(cli.demo)) {
        Command::Boundaries(args) => boundaries::run(&args, &mut Report::new(args.json)),
        Command::Demo(args) => demo::run(&args),
        Command::Serve(args) => serve::run(&args, cli.verbose > 0, &mut Report::new(false)),
        Command::Client(args) => client::run(&args, &mut Report::new(false)),
        Command::Load(args) => load::run(&args),
        Command::PassFd(args) => pass_fd::run(&args),
        Command::Credentials(args) => credentials::run(&args, &mut Report::new(args.json)),
        Command::Bench(args) => ping_pong::run(&args, &bench::MECHANISMS, || ()),
        Command::BenchPeer(args) => ping_pong::answer(&args, &bench::MECHANISMS),
        Command::Claims(args) => claims::run(&args, env!("CARGO_PKG_NAME"), CHECKS),
        Command::Manual(args) => manual::install(&args, Cli::command()),
    }
}
