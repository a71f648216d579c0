//! The end of a FIFO is that nobody has it open for writing: it comes when the last writer leaves, goes when
//! another comes, and meanwhile wakes a reader that waits for it without end.
//!
//! After the last writer poll(2) reports POLLHUP again and again, so an event loop that wants to outlive its
//! writers burns a core: the storm. Each cure is tried on a reader in the storm, and must let the next
//! writer's bytes through.
//!
//! Note: 管道 (命名管道). Go: `io.EOF` of an `os.File`. Man: poll(2), epoll(7) (EPOLLET), fifo(7).

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use nix::fcntl::OFlag;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;
use shared::linux::readiness::{await_events, await_readable, is_timeout};

use crate::fifo::{open_at_once, read_once};
use crate::make;

#[derive(clap::Args)]
pub struct Args {}

/// How long wake-ups are counted.
const WINDOW: Duration = Duration::from_millis(20);

/// A reader that the next writer wakes is woken by then, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// What read(2) answers with this number of writers and of bytes in the FIFO.
#[derive(Serialize)]
struct End {
    writers: usize,
    unread: usize,
    read: Outcome,
}

/// Wake-ups in [`WINDOW`], and what the next writer wrote and the reader read.
#[derive(Serialize)]
struct Cured {
    cure: &'static str,
    wakeups_before: usize,
    wakeups_after: usize,
    next_writer: &'static str,
    read: Outcome,
}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    make::with_fifo(|fifo, _| {
        last_writer_leaves(fifo, out)?;
        out.pairs(&hold_a_write_end(fifo)?)?;
        out.pairs(&open_again(fifo)?)?;
        out.pairs(&edge_triggered(fifo)?)
    })
}

/// What read(2) answers as two writers come, write and leave.
fn last_writer_leaves(fifo: &Path, out: &mut Report) -> anyhow::Result<()> {
    let reader = open_at_once(fifo, OFlag::O_RDONLY)?;
    let mut look = |writers, unread| out.pairs(&End { writers, unread, read: read_once(&reader)? });
    look(0, 0)?;
    let first = open_at_once(fifo, OFlag::O_WRONLY)?;
    let second = open_at_once(fifo, OFlag::O_WRONLY)?;
    look(2, 0)?;
    drop(first);
    look(1, 0)?;
    (&second).write_all(b"12345").context("write the FIFO")?;
    drop(second);
    look(0, 5)?;
    look(0, 0)
}

/// A write end of our own: there is always a writer, so there is no end. It takes permission to write.
fn hold_a_write_end(fifo: &Path) -> anyhow::Result<Cured> {
    let reader = left_reader(fifo)?;
    let before = wakeups(polled(&reader))?;
    let _held = open_at_once(fifo, OFlag::O_WRONLY)?;
    Cured::seen("own write end", before, fifo, &reader, polled(&reader))
}

/// A new reader has not seen the writers that left before it. The old one goes only afterwards, or a writer
/// would meet EPIPE; the storm is back when the next writer leaves.
fn open_again(fifo: &Path) -> anyhow::Result<Cured> {
    let old = left_reader(fifo)?;
    let before = wakeups(polled(&old))?;
    let reader = open_at_once(fifo, OFlag::O_RDONLY)?;
    drop(old);
    Cured::seen("open again", before, fifo, &reader, polled(&reader))
}

/// Edge-triggered epoll tells of the end once, with no need to write or to open. `recv --keep-open` does so.
fn edge_triggered(fifo: &Path) -> anyhow::Result<Cured> {
    let reader = left_reader(fifo)?;
    let before = wakeups(polled(&reader))?;
    // ANCHOR: edge
    let mut epoll = Poll::new().context("epoll_create")?;
    let mut events = Events::with_capacity(1);
    let (fd, registry) = (reader.as_raw_fd(), epoll.registry());
    registry.register(&mut SourceFd(&fd), Token(0), Interest::READABLE).context("epoll_ctl")?;
    let edges = |deadline| await_events(&mut epoll, &mut events, Some(deadline));
    // ANCHOR_END: edge
    Cured::seen("edge-triggered epoll", before, fifo, &reader, edges)
}

/// A reader whose only writer has come and gone.
fn left_reader(fifo: &Path) -> anyhow::Result<File> {
    let reader = open_at_once(fifo, OFlag::O_RDONLY)?;
    open_at_once(fifo, OFlag::O_WRONLY)?;
    Ok(reader)
}

/// Whether level-triggered poll(2) reports anything before a deadline.
fn polled(reader: &File) -> impl FnMut(Instant) -> io::Result<bool> {
    |deadline| match await_readable(reader, deadline) {
        Err(error) if is_timeout(&error) => Ok(false),
        waited => waited.map(|()| true),
    }
}

/// How often a reader that calls `wait` again and again is woken in the window.
fn wakeups(mut wait: impl FnMut(Instant) -> io::Result<bool>) -> anyhow::Result<usize> {
    let end = Instant::now() + WINDOW;
    let mut count = 0;
    while Instant::now() < end {
        count += usize::from(wait(end).context("wait")?);
    }
    Ok(count)
}

impl Cured {
    /// Nothing wakes the reader any more, but the next writer's bytes do, and arrive.
    fn seen(
        cure: &'static str,
        wakeups_before: usize,
        fifo: &Path,
        reader: &File,
        mut wait: impl FnMut(Instant) -> io::Result<bool>,
    ) -> anyhow::Result<Cured> {
        let wakeups_after = wakeups(&mut wait)?;
        let writer = open_at_once(fifo, OFlag::O_WRONLY)?;
        (&writer).write_all(b"12345").context("write the FIFO")?;
        ensure!(wait(Instant::now() + PATIENCE).context("wait")?, "{cure}: the next writer wakes nobody");
        Ok(Cured { cure, wakeups_before, wakeups_after, next_writer: "12345", read: read_once(reader)? })
    }
}
