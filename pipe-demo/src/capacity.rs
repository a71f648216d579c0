//! How much a pipe holds before its writer must wait, and when it may go on.
//!
//! A pipe is a ring of pages. Small writes share the last page, but a write that does not fit there begins
//! a page of its own: so a pipe may be full with less than it holds, 16 pages. And it is writable again only
//! when a whole page is free.
//!
//! Note: 管道. Go: `os.Pipe`. Man: pipe(7), fcntl(2) at F_SETPIPE_SZ.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::PollFlags;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::pidfd::PidFd;
use shared::linux::readiness::{Ready, is_ready, nonblocking, set_nonblocking};
use shared::linux::sleeper::Task;

use shared::linux::child::{Children, exit_code, wait_for};
use shared::linux::memory::page_size;

#[derive(clap::Args, Default)]
pub struct Args {
    /// Ask for a pipe of this size; the kernel rounds up
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(i32).range(0..))]
    set: Option<i32>,
}

/// A writer that may go on does so at once; on a busy machine it is given the CPU by then.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct Capacity {
    asked: Option<i32>,
    capacity: i32,
}

#[derive(Serialize)]
struct Filled {
    bytes_a_write: usize,
    bytes_until_eagain: usize,
}

#[derive(Serialize)]
struct Room {
    read_from_full_pipe: usize,
    writable: bool,
    bytes_until_eagain: usize,
}

/// A writer that may block and has one byte more than the pipe holds.
#[derive(Serialize)]
pub struct Blocked {
    pub in_the_pipe: usize,
    pub writer_sleeps: bool,
    pub read: usize,
    pub writer_is_done: bool,
}

/// What one thread alone has written and then read.
#[derive(Serialize)]
pub struct Alone {
    pub written_alone: usize,
    pub read_alone: usize,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let (_, _, capacity) = new_pipe(args)?;
    out.pairs(&Capacity { asked: args.set, capacity })?;
    let page = page_size()?.get();
    // The two last do not divide a page.
    for size in [1, page, usize::try_from(capacity)?, page + 1, 3000] {
        let (_reader, writer, _) = new_pipe(args)?;
        out.pairs(&Filled { bytes_a_write: size, bytes_until_eagain: fill_until_eagain(&writer, size)? })?;
    }
    for count in [1, page - 1, page] {
        let (mut reader, writer, _) = new_pipe(args)?;
        fill_until_eagain(&writer, page)?;
        reader.read_exact(&mut vec![0; count]).context("read the pipe")?;
        let writable = is_ready(&writer, PollFlags::POLLOUT).context("poll")?;
        out.pairs(&Room { read_from_full_pipe: count, writable, bytes_until_eagain: fill_until_eagain(&writer, 1)? })?;
    }
    out.pairs(&block(args)?)?;
    out.pairs(&write_and_read_alone(args)?)
}

/// A child writes to the full pipe, until somebody reads.
pub fn block(args: &Args) -> anyhow::Result<Blocked> {
    let (mut reader, writer, _) = new_pipe(args)?;
    let in_the_pipe = fill_until_eagain(&writer, page_size()?.get())?;
    let flags = OFlag::from_bits_retain(fcntl(&writer, FcntlArg::F_GETFL).context("F_GETFL of a pipe")?);
    fcntl(&writer, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK)).context("clear O_NONBLOCK")?;
    let children = Children::helpers();
    let child = children.fork(|| exit_code((&writer).write_all(&[0]).context("write the pipe")))?;
    let writer_sleeps = Task::process(child)?.sleeps()?;
    let read = reader.read(&mut vec![0; in_the_pipe]).context("read the pipe")?;
    let end = PidFd::open(child.as_raw()).context("pidfd_open")?;
    let writer_is_done = end.ends_by(Instant::now() + PATIENCE).context("wait for the writer")?;
    if writer_is_done {
        wait_for(child)?;
    }
    Ok(Blocked { in_the_pipe, writer_sleeps, read, writer_is_done })
}

/// One thread, alone, writes as much as the pipe holds, and reads it back.
pub fn write_and_read_alone(args: &Args) -> anyhow::Result<Alone> {
    let (mut reader, writer, _) = new_pipe(args)?;
    let written_alone = fill_until_eagain(&writer, page_size()?.get())?;
    drop(writer);
    let read_alone = reader.read_to_end(&mut Vec::new()).context("read the pipe")?;
    Ok(Alone { written_alone, read_alone })
}

pub fn of_a_new_pipe() -> anyhow::Result<u64> {
    let (_, _, capacity) = new_pipe(&Args::default())?;
    Ok(u64::try_from(capacity)?)
}

/// A pipe whose writer does not block, and its capacity.
fn new_pipe(args: &Args) -> anyhow::Result<(PipeReader, PipeWriter, i32)> {
    let (reader, writer) = io::pipe().context("pipe")?;
    if let Some(size) = args.set {
        fcntl(&writer, FcntlArg::F_SETPIPE_SZ(size)).with_context(|| format!("F_SETPIPE_SZ {size}"))?;
    }
    set_nonblocking(&writer).context("set O_NONBLOCK")?;
    let capacity = fcntl(&writer, FcntlArg::F_GETPIPE_SZ).context("F_GETPIPE_SZ")?;
    Ok((reader, writer, capacity))
}

// ANCHOR: fill
/// Writes `size` bytes at a time for as long as the pipe takes any.
fn fill_until_eagain(mut writer: &PipeWriter, size: usize) -> anyhow::Result<usize> {
    let bytes = vec![0; size];
    let mut total = 0;
    let mut write = || nonblocking("write", writer, || writer.write(&bytes));
    while let Ready::Done(count) = write().context("write the pipe")? {
        total += count;
    }
    Ok(total)
}
// ANCHOR_END: fill
