//! Sockets over TCP and UDP: the note's section Socket, one command a file.

mod address;
mod asleep;
mod bench;
mod buffered;
mod capabilities;
mod client;
mod close;
mod concurrent;
mod connect;
mod deadline;
mod demo;
mod descriptor;
mod eagain;
mod epoll;
mod experiment;
mod listen;
mod load;
mod loopback;
mod plain;
mod raw;
mod read;
mod serve;
mod sockaddr;
mod socket_info;
mod sockets;
mod udp;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shared::harness::claims::Check;
use shared::harness::program::{self, Common, Options, Program};
use shared::harness::report::Report;

/// Sockets over TCP and UDP, as the note's section Socket tells of them
///
/// Without a command it holds the conversation of the note's program: five cube roots, asked and answered.
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
    /// Which sockets this kernel makes: domain, type and protocol, beside the note's tables
    Sockets(sockets::Args),
    /// The conversation of the note's program
    Demo(demo::Args),
    /// The server on one page, to be read first: until EAGAIN, and no limits
    Plain(plain::Args),
    /// A server of cube roots
    Serve(serve::Args),
    /// A client: numbers from the arguments or from stdin, one answer a line
    Client(client::Args),
    /// A load for a server: many connections, every answer verified
    Load(load::Args),
    /// EAGAIN of accept, read and write; partial reads, partial writes
    Eagain(eagain::Args),
    /// UDP: boundaries, truncation, both directions on one socket, loss
    Udp(udp::Args),
    /// BufStream done right and wrong
    Buffered(buffered::Args),
    /// EOF, half-close, reset; what wakes a blocked reader
    Close(close::Args),
    /// Deadlines: absolute, renewed, cancelled; the kernel's timeouts beside them; dialling
    Deadline(deadline::Args),
    /// Round trips and throughput of TCP and UDP, on one scale with the other programs' mechanisms
    Bench(shared::harness::bench::Args),
    #[command(flatten)]
    Common(Common),
}

fn main() -> ExitCode {
    program::main::<Cli>()
}

impl Program for Cli {
    const CHECKS: &'static [&'static [Check]] = &[
        sockets::CHECKS,
        sockaddr::CHECKS,
        raw::CHECKS,
        udp::CHECKS,
        descriptor::CHECKS,
        listen::CHECKS,
        connect::CHECKS,
        eagain::CHECKS,
        epoll::CHECKS,
        read::CHECKS,
        buffered::CHECKS,
        close::CHECKS,
        deadline::CHECKS,
        concurrent::CHECKS,
    ];

    const MECHANISMS: &'static [shared::harness::bench::Mechanism] = &bench::MECHANISMS;

    fn options(&self) -> &Options {
        &self.options
    }

    fn run(self) -> anyhow::Result<()> {
        match self.command.unwrap_or(Command::Demo(self.demo)) {
            Command::Sockets(args) => sockets::run(&args, &mut Report::new(args.json)),
            Command::Demo(args) => demo::run(&args),
            Command::Plain(args) => plain::run(&args, &mut Report::new(false)),
            Command::Serve(args) => serve::run(&args, self.options.verbose(), &mut Report::new(false)),
            Command::Client(args) => client::run(&args, &mut Report::new(false)),
            Command::Load(args) => load::run(&args),
            Command::Eagain(args) => args.options.limit(move |out| eagain::run(&args, out)),
            Command::Udp(args) => args.options.limit(move |out| udp::run(&args, out)),
            Command::Buffered(args) => args.options.limit(move |out| buffered::run(&args, out)),
            Command::Close(args) => args.options.limit(move |out| close::run(&args, out)),
            Command::Deadline(args) => args.options.limit(move |out| deadline::run(&args, out)),
            Command::Bench(args) => shared::harness::bench::run(&args, &bench::MECHANISMS),
            Command::Common(command) => command.run::<Cli>(),
        }
    }
}
