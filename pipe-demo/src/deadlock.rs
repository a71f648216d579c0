//! The note's order of steps: all output of the first command is written into the pipe of the second,
//! and only then is the second started. What the pipe cannot hold waits for a reader that never comes.
//!
//! Note: 管道 ("outputBuf1.WriteTo(stdin2)" before "cmd2.Start()"). Go: apipe.go. Man: pipe(7).

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use nix::fcntl::{FcntlArg, fcntl};
use serde::Serialize;
use shared::harness::claims::{Check, Seen};
use shared::harness::report::Report;
use shared::linux::failure::Failure;
use shared::linux::sleeper::Calls;

use crate::status;
use shared::harness::story;
use shared::linux::child::{Child, Children};

/// What bufio reads at a time. Whole pages also fill a pipe to its last byte.
const PIECE: usize = 4096;

#[derive(clap::Args)]
pub struct Args {
    /// What the first command prints: one byte more than a pipe holds is one too many
    #[arg(long, value_name = "N", default_value_t = 65_537)]
    bytes: u64,
    /// The cure: start the second command before anything is written to it
    #[arg(long)]
    start_first: bool,
    /// Give up then
    #[arg(long, value_parser = shared::harness::duration::parse, default_value = "1s")]
    timeout: Duration,
}

#[derive(Serialize)]
struct Ran {
    bytes: u64,
    order: &'static str,
    written: u64,
    outcome: &'static str,
}

pub const CHECKS: &[Check] = &[(85, write_first)];

pub fn run(args: &Args, mut out: Report) -> anyhow::Result<()> {
    let written = Arc::new(AtomicU64::new(0));
    let told = story::tell(args.timeout, &Children::helpers(), {
        let (written, bytes, start_first) = (Arc::clone(&written), args.bytes, args.start_first);
        move |children| pass_on(children, bytes, start_first, &written)
    });
    let hangs = matches!(&told, Err(error) if matches!(error.downcast_ref(), Some(Failure::Deadline(_))));
    if hangs || told.is_ok() {
        out.pairs(&Ran::new(args.bytes, args.start_first, &written, hangs))?;
    }
    told
}

impl Ran {
    fn new(bytes: u64, start_first: bool, written: &AtomicU64, hangs: bool) -> Ran {
        Ran {
            bytes,
            order: if start_first { "start-first" } else { "write-first" },
            written: written.load(Ordering::Relaxed),
            outcome: if hangs { "hangs" } else { "done" },
        }
    }
}

// ANCHOR: order
/// `head -c BYTES /dev/zero | wc -c`, in the note's order or in the right one.
fn pass_on(children: &Children, bytes: u64, start_first: bool, written: &AtomicU64) -> anyhow::Result<()> {
    let mut first = Command::new("head");
    first.args(["-c", &bytes.to_string(), "/dev/zero"]).stdout(Stdio::piped());
    let mut first = children.spawn(&mut first)?;
    let output = first.stdout.take().context("the first command has a stdout")?;
    let (stdin, writer) = io::pipe().context("pipe")?;
    let second = if start_first {
        let second = start_second(children, stdin)?;
        write_all(output, writer, written)?;
        second
    } else {
        write_all(output, writer, written)?; // Deadlock: the pipe is full, and its reader not yet started.
        start_second(children, stdin)?
    };
    check_end(first)?;
    check_end(second)
}
// ANCHOR_END: order

fn start_second(children: &Children, stdin: PipeReader) -> anyhow::Result<Child> {
    children.spawn(Command::new("wc").arg("-c").stdin(stdin).stdout(Stdio::null()))
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

fn check_end(mut child: Child) -> anyhow::Result<()> {
    status::check(status::code(child.wait().context("wait for the command")?))
}

/// In the note's order with as much as a pipe holds, and with a byte more; and that in the right order.
fn write_first() -> anyhow::Result<Seen> {
    let (_reader, writer) = io::pipe().context("pipe")?;
    let capacity = u64::try_from(fcntl(&writer, FcntlArg::F_GETPIPE_SZ).context("F_GETPIPE_SZ")?)?;
    let [fits, hangs, cured] =
        [(capacity, false), (capacity + 1, false), (capacity + 1, true)].map(|(bytes, first)| watch(bytes, first));
    let (fits, hangs, cured) = (fits?, hangs?, cured?);
    let deadlock = (hangs.outcome, hangs.written) == ("hangs", capacity);
    let as_expected = deadlock && [fits.outcome, cured.outcome] == ["done"; 2];
    let told = |Ran { bytes, order, written, outcome }| format!("{bytes} bytes, {order}: {written} written, {outcome}");
    Ok(Seen::refuted(as_expected, [fits, hangs, cured].map(told).join("; ")))
}

/// It hangs when it sleeps in write(2): whoever could read has not been started, and nobody else will start it.
fn watch(bytes: u64, start_first: bool) -> anyhow::Result<Ran> {
    let written = Arc::new(AtomicU64::new(0));
    let children = Children::helpers();
    let (tell, told) = mpsc::channel();
    let story = thread::Builder::new().spawn({
        let (written, children) = (Arc::clone(&written), children.clone());
        move || {
            tell.send(Calls::current())?;
            pass_on(&children, bytes, start_first, &written)
        }
    })?;
    let hangs = !start_first && told.recv()??.sleeps_in(libc::SYS_write)?;
    if hangs {
        children.end();
    } else {
        story.join().map_err(|_| anyhow::anyhow!("the story panicked"))??;
    }
    Ok(Ran::new(bytes, start_first, &written, hangs))
}
