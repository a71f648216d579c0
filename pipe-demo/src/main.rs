//! Pipes between processes: the note's section 管道. One command a file.

mod demo;

mod ipc;

mod cmd;
mod run;
mod pipeline;
mod deadlock;
mod os_pipe;
mod io_pipe;
mod capacity;
mod atomicity;

mod bench;
mod claims;

mod futex;
mod memory_pipe;
mod status;

use std::process::ExitCode;

use clap::Parser;
use shared::harness::claims::Check;
use shared::harness::footer::Footer;
use shared::harness::program::{self, Options, Program};

/// Pipes between processes, as the note's section 管道 tells of them
///
/// Without a command it tells the note's stories: echo read in pieces and by line, ps aux piped into grep,
/// a pipe of the kernel's and one in memory.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// The note's stories: echo, ps aux | grep, a pipe of the kernel's and one in memory
    Demo(demo::Args),
    /// Let a process reach its child by each kind of IPC, and show what each carries and costs
    Ipc(ipc::Args),
    /// Show what holds for a command that a program runs: its arguments, its output, its input, its end
    Cmd(cmd::Args),
    /// Run a command and read its output to the end, then reap it
    Run(run::Args),
    /// Run any number of commands at once, the output of each the input of the next
    Pipeline(pipeline::Args),
    /// Show how a write into a pipe hangs for ever, because its reader is to be started afterwards
    Deadlock(deadlock::Args),
    /// Show what each end of a kernel pipe refuses, and what it sees when the other is closed
    OsPipe(os_pipe::Args),
    /// Show what a pipe in memory promises, as Go's io.Pipe does
    IoPipe(io_pipe::Args),
    /// Fill a pipe until its writer would have to wait
    Capacity(capacity::Args),
    /// Count the messages of many writers that arrive torn
    Atomicity(atomicity::Args),
    /// Round trips and throughput of pipes and of shared memory, on one scale with the other programs' mechanisms
    Bench(shared::harness::bench::Args),
}

/// Examples and related pages of the commands: `%` is the program.
const FOOTERS: &[Footer] = &[
    ("ipc", &[], "% bench, pipe(7), sysvipc(7)"),
    ("cmd", &[], "% run, execve(2)"),
    (
        "run",
        &["% run --timeout 2 -- ps aux", "% run --lines -v -- sh -c 'echo one; echo two'"],
        "% pipeline, timeout(1)",
    ),
    (
        "pipeline",
        &[
            "% pipeline --timeout 10 'ps aux' 'grep root' 'wc -l'",
            r#"% pipeline 'ps aux' 'grep mysignal' 'grep -v grep' "awk '{print \$2}'""#,
        ],
        "% run, % deadlock, signal-demo send, pipe(7)",
    ),
    ("deadlock", &["% deadlock --timeout 1", "% deadlock --start-first"], "% pipeline, pipe(7)"),
    ("os-pipe", &[], "% io-pipe, pipe(7)"),
    ("io-pipe", &["% io-pipe --close-with-error 'disk full'"], "% os-pipe"),
    ("capacity", &["% capacity --set 1048576"], "% atomicity, F_SETPIPE_SZ in fcntl(2)"),
    ("atomicity", &["% atomicity --via os-pipe --size 4097"], "fifo-demo mux, PIPE_BUF in pipe(7)"),
];

fn main() -> ExitCode {
    program::main::<Command>()
}

impl Program for Command {
    const CHECKS: &'static [&'static [Check]] = claims::CHECKS;

    const MECHANISMS: &'static [shared::harness::bench::Mechanism] = &bench::MECHANISMS;

    const FOOTERS: &'static [Footer] = FOOTERS;

    fn run(self, options: Options) -> anyhow::Result<()> {
        match self {
            Command::Demo(args) => demo::run(&args, &mut options.text()?),
            Command::Ipc(args) => ipc::run(&args, &mut options.records()),
            Command::Cmd(args) => cmd::run(&args, &mut options.records()),
            Command::Run(args) => run::run(&args, &mut options.records()),
            Command::Pipeline(args) => pipeline::run(&args, &mut options.records()),
            Command::Deadlock(args) => deadlock::run(&args, &mut options.records()),
            Command::OsPipe(args) => os_pipe::run(&args, &mut options.records()),
            Command::IoPipe(args) => io_pipe::run(&args, &mut options.records()),
            Command::Capacity(args) => capacity::run(&args, &mut options.records()),
            Command::Atomicity(args) => atomicity::run(&args, &mut options.records()),
            Command::Bench(args) => shared::harness::bench::run(&args, &bench::MECHANISMS, &options.records()),
        }
    }
}
