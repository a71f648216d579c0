//! Named pipes: the second half of the note's section 管道, one command a file.

mod demo;
mod make;
mod send;
mod recv;
mod open_modes;
mod eof;
mod mux;
mod bench;
mod claims;

mod fifo;
mod outlet;
mod patience;

use std::process::ExitCode;

use clap::Parser;
use shared::harness::claims::Check;
use shared::harness::program::{self, Options, Program};

/// Named pipes (FIFOs), as the note's section 管道 tells of them
///
/// Without a command it holds the note's shell session: mkfifo, tee and cat.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// The note's shell session
    Demo(demo::Args),
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
}

fn main() -> ExitCode {
    program::main::<Command>()
}

impl Program for Command {
    const CHECKS: &'static [&'static [Check]] = claims::CHECKS;

    const MECHANISMS: &'static [shared::harness::bench::Mechanism] = &bench::MECHANISMS;

    fn run(self, options: Options) -> anyhow::Result<()> {
        let out = &mut options.records();
        match self {
            Command::Demo(args) => demo::run(&args, out),
            Command::Make(args) => make::run(&args, out),
            Command::Send(args) => send::run(&args, out),
            Command::Recv(args) => recv::run(&args, out),
            Command::OpenModes(args) => open_modes::run(&args, out),
            Command::Eof(args) => eof::run(&args, out),
            Command::Mux(args) => mux::run(&args, out),
            Command::MuxWriter(args) => mux::writer::run(&args),
            Command::Bench(args) => bench::run(&args),
        }
    }
}
