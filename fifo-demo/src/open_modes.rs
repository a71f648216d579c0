//! Who waits in open(2): either side for the other, unless it asked not to.
//!
//! That a thread waits is read from /proc: asleep in openat(2). The note has data flow only once both sides
//! are ready; more exactly it is open(2) that waits: after it a pipe full of bytes goes in with nobody reading.
//!
//! Note: 管道 (命名管道). Go: `os.OpenFile`. Man: fifo(7), open(2),
//! /proc/pid/syscall in proc(5).

use std::fs::File;
use std::io::{Read as _, Write};
use std::path::Path;
use std::thread::JoinHandle;

use anyhow::{Context, anyhow, ensure};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc::{self, PIPE_BUF};
use nix::unistd;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;
use shared::linux::readiness::{Ready, nonblocking};
use shared::linux::sleeper::{self, Calls};

use crate::fifo::{open, open_at_once, read_once};
use crate::make;

#[derive(clap::Args)]
pub struct Args {}

/// What open(2) did.
#[derive(Serialize)]
pub struct Opened {
    pub flags: &'static str,
    pub other_side: &'static str,
    pub open: Open,
    #[serde(flatten)]
    pub then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Open {
    Waits,
    Returns,
    #[serde(untagged)]
    Fails(Outcome),
}

/// What could be done afterwards.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The open(2) that waited returned when the other side did this.
    ReturnsWhen(&'static str),
    Read(Outcome),
    Write(Outcome),
    /// The number of bytes that go in.
    HoldsUnread(usize),
    ReadsBack(String),
    #[serde(untagged)]
    Nothing {},
}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    make::with_fifo(|fifo, _| {
        waits_for_the_other_side(fifo)?.iter().try_for_each(|opened| out.pairs(opened))?;
        does_not_wait(fifo)?.iter().try_for_each(|opened| out.pairs(opened))?;
        out.pairs(&both_sides_in_one(fifo)?)?;
        in_reverse(fifo)?.iter().try_for_each(|opened| out.pairs(opened))
    })
}

pub fn waits_for_the_other_side(fifo: &Path) -> anyhow::Result<[Opened; 2]> {
    Ok([
        waiting("O_RDONLY", fifo, OFlag::O_RDONLY, "a writer opens", OFlag::O_WRONLY)?,
        waiting("O_WRONLY", fifo, OFlag::O_WRONLY, "a reader opens", OFlag::O_RDONLY)?,
    ])
}

pub fn does_not_wait(fifo: &Path) -> anyhow::Result<[Opened; 3]> {
    Ok([reader_that_does_not_wait(fifo)?, writer_that_does_not_wait(fifo)?, writer_beside_a_reader(fifo)?])
}

/// Each end used as the other.
pub fn in_reverse(fifo: &Path) -> anyhow::Result<[Opened; 2]> {
    let reader = open_at_once(fifo, OFlag::O_RDONLY)?;
    let writer = open_at_once(fifo, OFlag::O_WRONLY)?;
    let (write, read) = (unistd::write(&reader, b"12345"), unistd::read(&writer, &mut [0; 5]));
    let write = Then::Write(Outcome::of(write).context("write the FIFO")?);
    let read = Then::Read(Outcome::of(read).context("read the FIFO")?);
    let opened = |flags, other_side, then| Opened { flags, other_side, open: Open::Returns, then };
    Ok([opened("O_RDONLY", "writer", write), opened("O_WRONLY", "reader", read)])
}

/// Opens in a thread, and when that waits, opens the other side.
fn waiting(
    name: &'static str,
    fifo: &Path,
    flags: OFlag,
    release: &'static str,
    other: OFlag,
) -> anyhow::Result<Opened> {
    // ANCHOR: wait
    let opening = Opening::start(fifo, flags)?;
    let waits = opening.falls_asleep()?;
    // This does not wait: who waits in open(2) already counts as the other side.
    let _other_side = waits.then(|| open_at_once(fifo, other)).transpose()?;
    opening.finish()?;
    // ANCHOR_END: wait
    let (open, then) =
        if waits { (Open::Waits, Then::ReturnsWhen(release)) } else { (Open::Returns, Then::Nothing {}) };
    Ok(Opened { flags: name, other_side: "none", open, then })
}

fn reader_that_does_not_wait(fifo: &Path) -> anyhow::Result<Opened> {
    let reader = open_at_once(fifo, OFlag::O_RDONLY)?;
    let then = Then::Read(read_once(&reader)?);
    Ok(Opened { flags: "O_RDONLY|O_NONBLOCK", other_side: "none", open: Open::Returns, then })
}

fn writer_that_does_not_wait(fifo: &Path) -> anyhow::Result<Opened> {
    let open = match open(fifo, OFlag::O_WRONLY | OFlag::O_NONBLOCK) {
        Ok(_) => Open::Returns,
        Err(error) if error.downcast_ref() == Some(&Errno::ENXIO) => Open::Fails(Outcome::Failed(Errno::ENXIO)),
        Err(error) => return Err(error),
    };
    Ok(Opened { flags: "O_WRONLY|O_NONBLOCK", other_side: "none", open, then: Then::Nothing {} })
}

fn writer_beside_a_reader(fifo: &Path) -> anyhow::Result<Opened> {
    let _reader = open_at_once(fifo, OFlag::O_RDONLY)?;
    let writer = open_at_once(fifo, OFlag::O_WRONLY)?;
    let mut bytes = 0;
    while let Ready::Done(count) =
        nonblocking("write", &writer, || (&writer).write(&[0; PIPE_BUF])).context("write the FIFO")?
    {
        bytes += count;
    }
    let then = Then::HoldsUnread(bytes);
    Ok(Opened { flags: "O_WRONLY|O_NONBLOCK", other_side: "reader", open: Open::Returns, then })
}

/// POSIX leaves O_RDWR on a FIFO undefined; Linux has it.
pub fn both_sides_in_one(fifo: &Path) -> anyhow::Result<Opened> {
    let opening = Opening::start(fifo, OFlag::O_RDWR)?;
    ensure!(!opening.falls_asleep()?, "O_RDWR waits here");
    let mut both = opening.finish()?;
    both.write_all(b"12345").context("write the FIFO")?;
    let mut back = [0; 5];
    both.read_exact(&mut back).context("read the FIFO")?;
    let then = Then::ReadsBack(String::from_utf8_lossy(&back).into_owned());
    Ok(Opened { flags: "O_RDWR", other_side: "none", open: Open::Returns, then })
}

/// An open(2) in a thread of its own.
struct Opening {
    thread: JoinHandle<anyhow::Result<File>>,
    calls: Calls,
}

impl Opening {
    fn start(path: &Path, flags: OFlag) -> anyhow::Result<Opening> {
        let path = path.to_owned();
        let (thread, calls) = sleeper::start(Calls::current, move || open(&path, flags))?;
        Ok(Opening { thread, calls })
    }

    /// Whether it sleeps in the kernel; otherwise it is through.
    fn falls_asleep(&self) -> anyhow::Result<bool> {
        self.calls.sleeps_in(libc::SYS_openat)
    }

    fn finish(self) -> anyhow::Result<File> {
        self.thread.join().map_err(|_| anyhow!("the thread that opens panicked"))?
    }
}
