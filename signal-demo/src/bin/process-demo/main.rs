//! What a process is, from fork to wait: the note's section 进程, a command a heading at least.

mod demo;
mod fork;
mod ids;
mod memory;
mod orphan;
mod pids;
mod repeated;
mod states;
mod switching;
mod syscalls;

mod claims;
mod cpu;
mod end;
mod frame;
mod namespace;
mod pages;

use std::process::ExitCode;

use clap::Parser;
use shared::harness::claims::Check;
use shared::harness::footer::Footer;
use shared::harness::program::{self, Options, Program};

/// Processes, as the note's section 进程 tells of them
///
/// Without a command it tells the story of one process, from fork to wait.
#[derive(Parser)]
#[command(name = "process-demo", version)]
enum Command {
    /// The story of a process: forked, told its number, stopped, continued, replaced, waited for
    Demo(demo::Args),
    /// Show what a forked child shares with its parent, and what exec leaves of it
    Fork(fork::Args),
    /// Show who adopts a child whose parent has ended
    Orphan(orphan::Args),
    /// Show a process, its parent, and so on up to the root; and what the kernel records of a process
    Ids(ids::Args),
    /// Show which numbers new processes and threads get, and what it takes to end a process by its number
    Pids(pids::Args),
    /// Put a process in each state, and look at it
    States(states::Args),
    /// Show what is behind a process's addresses, and what it cannot reach
    Memory(memory::Args),
    /// Show what a process can do without system calls, and what it cannot
    Syscalls(syscalls::Args),
    /// Let two processes share a CPU, and have one each
    Switching(switching::Args),
}

/// Examples and related pages of the commands: `%` is the program.
const FOOTERS: &[Footer] = &[
    ("fork", &["% fork --pages 10000"], "fork(2), execve(2)"),
    ("orphan", &["% orphan --subreaper"], "PR_SET_CHILD_SUBREAPER in prctl(2)"),
    ("ids", &["% ids $$"], "pstree(1), proc(5)"),
    ("pids", &[], "% states, pid_namespaces(7), pidfd_open(2)"),
    ("states", &["% states D Z --json"], "ps(1), proc(5)"),
    ("memory", &[], "mmap(2), pmap(1)"),
    ("syscalls", &[], "syscalls(2), strace(1)"),
    ("switching", &[], "sched(7), pidstat(1)"),
];

fn main() -> ExitCode {
    program::main::<Command>()
}

impl Program for Command {
    const CHECKS: &'static [&'static [Check]] = claims::CHECKS;

    const FOOTERS: &'static [Footer] = FOOTERS;

    fn run(self, options: Options) -> anyhow::Result<()> {
        let out = &mut options.records();
        match self {
            Command::Demo(args) => demo::run(&args, out),
            Command::Fork(args) => fork::run(&args, out),
            Command::Orphan(args) => orphan::run(&args, out),
            Command::Ids(args) => ids::run(&args, out),
            Command::Pids(args) => pids::run(&args, out),
            Command::States(args) => states::run(&args, out),
            Command::Memory(args) => memory::run(&args, out),
            Command::Syscalls(args) => syscalls::run(&args, out),
            Command::Switching(args) => switching::run(&args, out),
        }
    }
}
