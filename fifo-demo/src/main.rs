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
use shared::harness::footer::Footer;
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
    ///
    /// `--timeout` is for each wait: for a reader, for room in the FIFO, for bytes to send.
    Send(send::Args),
    /// Read from a FIFO, to stdout and into files
    ///
    /// `--timeout` is for each wait: for a writer, for its bytes, for room in the files.
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

/// Examples and related pages of the commands: `%` is the program.
const FOOTERS: &[Footer] = &[
    ("make", &["% make queue --mode 600"], "mkfifo(1), % send, % recv"),
    ("send", &["echo hello | % send queue --timeout 10"], "% recv, fifo(7), cat(1)"),
    ("recv", &["% recv queue --timeout 10", "% recv queue --keep-open --tee all.log"], "% send, fifo(7), tee(1)"),
    ("open-modes", &[], "% eof, open(2), fifo(7)"),
    ("eof", &[], "% open-modes, epoll(7), fifo(7)"),
    (
        "mux",
        &["% mux --writers 8 --size 4097", "% mux --size 4097 --lock"],
        "pipe-demo atomicity, flock(2), PIPE_BUF in pipe(7)",
    ),
];

fn main() -> ExitCode {
    program::main::<Command>()
}

impl Program for Command {
    const CHECKS: &'static [&'static [Check]] = claims::CHECKS;

    const MECHANISMS: &'static [shared::harness::bench::Mechanism] = &bench::MECHANISMS;

    const FOOTERS: &'static [Footer] = FOOTERS;

    fn run(self, options: Options) -> anyhow::Result<()> {
        let out = &mut options.records();
        match self {
            Command::Demo(args) => demo::run(&args, &mut options.text()?),
            Command::Make(args) => make::run(&args, &mut options.text()?),
            Command::Send(args) => send::run(&args, out),
            Command::Recv(args) => recv::run(&args, out),
            Command::OpenModes(args) => open_modes::run(&args, out),
            Command::Eof(args) => eof::run(&args, out),
            Command::Mux(args) => mux::run(&args, out),
            Command::MuxWriter(args) => mux::writer::run(&args),
            Command::Bench(args) => shared::harness::bench::run(&args, &bench::MECHANISMS, out),
        }
    }
}
