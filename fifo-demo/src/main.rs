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
mod outlet;
mod patience;
mod scratch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shared::harness::claims::Check;
use shared::harness::program::{self, Common, Options, Program};
use shared::harness::report::Report;

/// Named pipes (FIFOs), as the note's section 管道 tells of them
///
/// Without a command it holds the note's shell session: mkfifo, tee and cat.
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
    Bench(shared::harness::bench::Args),
    #[command(flatten)]
    Common(Common),
}

fn main() -> ExitCode {
    program::main::<Cli>()
}

impl Program for Cli {
    const CHECKS: &'static [&'static [Check]] = &[make::CHECKS, demo::CHECKS, open_modes::CHECKS, mux::CHECKS];

    const MECHANISMS: &'static [shared::harness::bench::Mechanism] = &bench::MECHANISMS;

    fn options(&self) -> &Options {
        &self.options
    }

    fn run(self) -> anyhow::Result<()> {
        match self.command.unwrap_or(Command::Demo) {
            Command::Demo => demo::run(&mut Report::new(false)),
            Command::Make(args) => make::run(&args),
            Command::Send(args) => send::run(&args, self.options.verbose()),
            Command::Recv(args) => recv::run(&args, self.options.verbose()),
            Command::OpenModes(args) => open_modes::run(&args),
            Command::Eof(args) => eof::run(&args),
            Command::Mux(args) => mux::run(&args),
            Command::MuxWriter(args) => mux::writer::run(&args),
            Command::Bench(args) => bench::run(&args),
            Command::Common(command) => command.run::<Cli>(),
        }
    }
}
