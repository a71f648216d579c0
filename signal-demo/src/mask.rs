//! What a process has blocked, ignored and caught, and what waits for it.
//!
//! Note: 信号. Go: `signal.Ignored`. Man: proc_pid_status(5), sigpending(2).

use std::fmt;

use serde::Serialize;
use shared::harness::report::Report;

use crate::signal;
use crate::signal::set::Set;
use shared::linux::proc;

#[derive(clap::Args)]
pub struct Args {
    /// The process
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    pid: i32,
    /// Print JSON lines
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Record {
    pid: i32,
    blocked: Vec<String>,
    ignored: Vec<String>,
    caught: Vec<String>,
    pending: Vec<String>,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    proc::must_be_a_process(args.pid)?;
    let masks = proc::masks(args.pid)?;
    out.record(&Record {
        pid: args.pid,
        blocked: names(Set::from_bits(masks.blocked)),
        ignored: names(Set::from_bits(masks.ignored)),
        caught: names(Set::from_bits(masks.caught)),
        pending: names(Set::from_bits(masks.pending)),
    })
}

fn names(set: Set) -> Vec<String> {
    set.numbers().map(signal::name).collect()
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { pid, blocked, ignored, caught, pending } = self;
        write!(f, "pid={pid}")?;
        for (key, names) in [("blocked", blocked), ("ignored", ignored), ("caught", caught), ("pending", pending)] {
            write!(f, " {key}={}", if names.is_empty() { "none".to_owned() } else { names.join(",") })?;
        }
        Ok(())
    }
}
