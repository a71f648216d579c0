//! Processes that meet at one place: the note's section 关于同步. One command a file.

mod atomic;
mod demo;
mod exclusion;
mod interrupted;
mod race;

mod claims;
mod increments;
mod mutex;
mod racers;
mod token;

use std::process::ExitCode;

use clap::Parser;
use shared::harness::claims::Check;
use shared::harness::footer::Footer;
use shared::harness::program::{self, Options, Program};

/// Processes that meet at one number, as the note's section 关于同步 tells of them
///
/// Without a command it tells the section's story: two processes add to one number, and updates are lost, until
/// something keeps the two apart.
#[derive(Parser)]
#[command(name = "sync-demo", version)]
enum Command {
    /// The section's story: two processes add to one number, without care and with each of its cures
    Demo(demo::Args),
    /// Let processes add to one number in shared memory, and count the updates that are lost
    Race(race::Args),
    /// Show that updates are lost although nothing was interrupted, and how a signal interrupts a system call
    Interrupted(interrupted::Args),
    /// Show that a critical section may lose the CPU, and whether plain reads and writes can guard one
    Exclusion(exclusion::Args),
    /// Show what is atomic: one instruction on one CPU, on two, a loop of compare-and-swap, two words
    Atomic(atomic::Args),
}

/// Examples and related pages of the commands: `%` is the program.
const FOOTERS: &[Footer] = &[
    ("race", &["% race --how plain --updates 100000", "% race --json --timeout 5"], "% exclusion, sched_yield(2)"),
    ("interrupted", &[], "signal(7), sigaction(2)"),
    ("exclusion", &[], "% race, futex(2)"),
    ("atomic", &[], "% race, sched_setaffinity(2)"),
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
            Command::Race(args) => race::run(&args, out),
            Command::Interrupted(args) => interrupted::run(&args, out),
            Command::Exclusion(args) => exclusion::run(&args, out),
            Command::Atomic(args) => atomic::run(&args, out),
        }
    }
}
