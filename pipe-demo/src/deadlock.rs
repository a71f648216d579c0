//! The note's order of steps: all output of the first command is written into the pipe of the second,
//! and only then is the second started. What the pipe cannot hold waits for a reader that never comes.
//!
//! Note: 管道 ("outputBuf1.WriteTo(stdin2)" before "cmd2.Start()"). Go: apipe.go. Man: pipe(7).

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde::Serialize;
use shared::harness::report::Report;
use shared::harness::story;
use shared::linux::child::{Child, Children};
use shared::linux::failure::Failure;
use shared::linux::sleeper::{self, Calls};

use crate::{capacity, status};

/// `head -c BYTES /dev/zero | wc -c`, in the note's order or in the right one.
fn pass_on(children: &Children, order: Order, bytes: u64, written: &AtomicU64) -> anyhow::Result<()> {
    let mut head = Command::new("head");
    let mut first = children.spawn(head.args(["-c", &bytes.to_string(), "/dev/zero"]).stdout(Stdio::piped()))?;
    let output = first.stdout.take().context("the first command has a stdout")?;
    let (stdin, writer) = io::pipe().context("pipe")?;
    // ANCHOR: order
    let second = match order {
        Order::WriteFirst => {
            // Deadlock: the pipe is full, and its reader not yet started.
            write_all(output, writer, written)?;
            start_second(children, stdin)?
        }
        Order::StartFirst => {
            let second = start_second(children, stdin)?;
            write_all(output, writer, written)?;
            second
        }
    };
    // ANCHOR_END: order
    check_end(first)?;
    check_end(second)
}

fn write_all(mut from: impl Read, mut to: PipeWriter, written: &AtomicU64) -> anyhow::Result<()> {
    let mut piece = Vec::with_capacity(PIECE);
    loop {
        piece.clear();
        from.by_ref().take(PIECE as u64).read_to_end(&mut piece).context("read the first command's stdout")?;
        if piece.is_empty() {
            return Ok(());
        }
        to.write_all(&piece).context("write the second command's stdin")?;
        written.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
}

#[derive(clap::Args)]
pub struct Args {
    /// What the first command prints [default: one byte more than a pipe holds, which is one too many]
    #[arg(long, value_name = "N")]
    bytes: Option<u64>,
    /// The cure: start the second command before anything is written to it
    #[arg(long)]
    start_first: bool,
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", value_parser = shared::harness::duration::limit, default_value = "10s")]
    timeout: Duration,
}

#[derive(Serialize)]
pub struct Ran {
    pub bytes: u64,
    pub order: Order,
    pub written: u64,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    WriteFirst,
    StartFirst,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Done,
    Hangs,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let order = if args.start_first { Order::StartFirst } else { Order::WriteFirst };
    let bytes = args.bytes.map_or_else(|| Ok(capacity::of_a_new_pipe()? + 1), anyhow::Ok)?;
    let ran = story::tell(args.timeout, &Children::helpers(), move |children| watch(children, order, bytes))?;
    out.pairs(&ran)?;
    match ran.outcome {
        Outcome::Done => Ok(()),
        Outcome::Hangs => Err(Failure::Deadline("write the second command's stdin: it waits for ever".into()).into()),
    }
}

/// It hangs when it sleeps in write(2): whoever could read has not been started, and nobody else will start it.
pub fn watch(children: &Children, order: Order, bytes: u64) -> anyhow::Result<Ran> {
    let written = Arc::new(AtomicU64::new(0));
    let outcome = match order {
        Order::WriteFirst => {
            let (passing_on, calls) = sleeper::start(Calls::current, {
                let (written, children) = (Arc::clone(&written), children.clone());
                move || pass_on(&children, order, bytes, &written)
            })?;
            if calls.sleeps_in(libc::SYS_write)? {
                Outcome::Hangs
            } else {
                passing_on.join().map_err(|_| anyhow!("a thread panicked"))??;
                Outcome::Done
            }
        }
        Order::StartFirst => {
            pass_on(children, order, bytes, &written)?;
            Outcome::Done
        }
    };
    Ok(Ran { bytes, order, written: written.load(Ordering::Relaxed), outcome })
}

/// What bufio reads at a time. Whole pages also fill a pipe to its last byte.
const PIECE: usize = 4096;

fn start_second(children: &Children, stdin: PipeReader) -> anyhow::Result<Child> {
    children.spawn(Command::new("wc").arg("-c").stdin(stdin).stdout(Stdio::null()))
}

fn check_end(mut child: Child) -> anyhow::Result<()> {
    status::check(status::code(child.wait().context("wait for the command")?))
}
