//! The section's story: two processes add to one number. Without care some updates are lost; an atomic operation,
//! a mutex or a token loses none.
//!
//! Note: 关于同步. Go: `sync/atomic`, `sync.Mutex`, a channel of one. Man: mmap(2), pipe(7).

use std::fmt;

use serde::Serialize;
use shared::harness::report::Report;

use crate::race::{How, Outcome, race};

#[derive(clap::Args)]
pub struct Args {}

const PROCESSES: u64 = 2;
const UPDATES: u64 = 1000;

/// One try, told as a sentence.
#[derive(Serialize)]
#[serde(transparent)]
struct Try(Outcome);

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    for how in [How::Plain, How::Atomic, How::Mutex, How::Token] {
        out.record(&Try(race(how, PROCESSES, UPDATES)?))?;
    }
    Ok(())
}

impl fmt::Display for Try {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { how, processes, updates, counted, lost, .. } = &self.0;
        let how = match how {
            How::Plain => "by a read and a write",
            How::Atomic => "by an atomic operation",
            How::Mutex => "under a mutex",
            How::Token => "while it holds a token",
        };
        let each = updates / processes;
        writeln!(f, "{processes} processes, each adds one to the same number {each} times, {how}.")?;
        match lost {
            0 => write!(f, "The number is {counted}: no update is lost."),
            _ => write!(f, "The number is {counted}: {lost} updates are lost."),
        }
    }
}
