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

use clap::{Parser, Subcommand};
use shared::harness::claims::Check;
use shared::harness::program::{self, Common, Options, Program};
use shared::harness::report::Report;

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
    #[command(flatten)]
    options: Options,
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
    Bench(shared::harness::bench::Args),
    #[command(flatten)]
    Common(Common),
}

fn main() -> ExitCode {
    program::main::<Cli>()
}

impl Program for Cli {
    const CHECKS: &'static [&'static [Check]] = &[network::CHECKS, names::CHECKS, boundaries::CHECKS, unixgram::CHECKS];

    const MECHANISMS: &'static [shared::harness::bench::Mechanism] = &bench::MECHANISMS;

    fn options(&self) -> &Options {
        &self.options
    }

    fn run(self) -> anyhow::Result<()> {
        match self.command.unwrap_or(Command::Demo(self.demo)) {
            Command::Boundaries(args) => boundaries::run(&args, &mut Report::new(args.json)),
            Command::Demo(args) => demo::run(&args),
            Command::Serve(args) => serve::run(&args, self.options.verbose(), &mut Report::new(false)),
            Command::Client(args) => client::run(&args, &mut Report::new(false)),
            Command::Load(args) => load::run(&args),
            Command::PassFd(args) => pass_fd::run(&args),
            Command::Credentials(args) => credentials::run(&args, &mut Report::new(args.json)),
            Command::Bench(args) => shared::harness::bench::run(&args, &bench::MECHANISMS),
            Command::Common(command) => command.run::<Cli>(),
        }
    }
}
