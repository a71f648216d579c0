//! Who waits in open(2): either side for the other, unless it asked not to.
//!
//! That a thread waits is read from /proc: asleep in openat(2). The note has data flow only once both sides
//! are ready; more exactly it is open(2) that waits: after it a pipe full of bytes goes in with nobody reading.
//!
//! Note: 管道 (命名管道). Go: `os.OpenFile`. Man: fifo(7), open(2),
//! /proc/pid/syscall in proc(5).

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow, ensure};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::unistd;
use serde::Serialize;
use shared::harness::claims::{Check, Seen, joined};
use shared::harness::report::Report;
use shared::linux::readiness::{Ready, nonblocking};
use shared::linux::sleeper::Calls;

use crate::fifo::{open, open_at_once, read_once};
use crate::scratch;

#[derive(clap::Args)]
pub struct Args {
    /// Records as JSON lines
    #[arg(long)]
    json: bool,
}

/// What open(2) did.
#[derive(Serialize)]
struct Opened {
    flags: &'static str,
    other_side: &'static str,
    open: String,
    then: Option<String>,
}

pub const CHECKS: &[Check] = &[(89, blocks_until_both_are_ready), (90, one_way)];

pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut out = Report::new(args.json);
    scratch::with(|scratch| {
        let fifo = scratch.fifo("fifo")?;
        waits_for_the_other_side(&fifo)?.iter().try_for_each(|opened| out.pairs(opened))?;
        does_not_wait(&fifo)?.iter().try_for_each(|opened| out.pairs(opened))?;
        out.pairs(&both_sides_in_one(&fifo)?)?;
        in_reverse(&fifo)?.iter().try_for_each(|opened| out.pairs(opened))
    })
}

fn blocks_until_both_are_ready() -> anyhow::Result<Seen> {
    scratch::looked_after(|scratch| {
        let fifo = scratch.fifo("fifo")?;
        let (waiting, others) = (waits_for_the_other_side(&fifo)?, does_not_wait(&fifo)?);
        let as_noted = waiting.iter().all(|opened| opened.open == "waits");
        let exceptions = others.each_ref().map(|opened| opened.open.as_str()) == ["returns", "ENXIO", "returns"];
        Ok(Seen::imprecise(as_noted, exceptions, told(waiting.iter().chain(&others))))
    })
}

fn one_way() -> anyhow::Result<Seen> {
    scratch::looked_after(|scratch| {
        let fifo = scratch.fifo("fifo")?;
        let (reverse, both) = (in_reverse(&fifo)?, both_sides_in_one(&fifo)?);
        let refused =
            reverse.each_ref().map(|opened| opened.then.as_deref()) == [Some("write = EBADF"), Some("read = EBADF")];
        let back = both.then.as_deref() == Some("reads back its own 12345");
        Ok(Seen::imprecise(refused, back, told(reverse.iter().chain([&both]))))
    })
}

/// As evidence.
fn told<'a>(opened: impl Iterator<Item = &'a Opened>) -> String {
    let told = opened.map(|Opened { flags, open, then, .. }| match then {
        Some(then) if open == "returns" => format!("{flags}: {then}"),
        _ => format!("{flags} {open}"),
    });
    joined(told, "; ")
}

fn waits_for_the_other_side(fifo: &Path) -> anyhow::Result<[Opened; 2]> {
    Ok([
        waiting("O_RDONLY", fifo, OFlag::O_RDONLY, "a writer opens", OFlag::O_WRONLY)?,
        waiting("O_WRONLY", fifo, OFlag::O_WRONLY, "a reader opens", OFlag::O_RDONLY)?,
    ])
}

fn does_not_wait(fifo: &Path) -> anyhow::Result<[Opened; 3]> {
    Ok([reader_that_does_not_wait(fifo)?, writer_that_does_not_wait(fifo), writer_beside_a_reader(fifo)?])
}

/// Each end used as the other.
fn in_reverse(fifo: &Path) -> anyhow::Result<[Opened; 2]> {
    let reader = open_at_once(fifo, OFlag::O_RDONLY)?;
    let writer = open_at_once(fifo, OFlag::O_WRONLY)?;
    let opened = |flags, other_side, call, result: nix::Result<usize>| Opened {
        flags,
        other_side,
        open: word(false).to_owned(),
        then: Some(match result {
            Ok(count) => format!("{call} = {count}"),
            Err(errno) => format!("{call} = {errno:?}"),
        }),
    };
    Ok([
        opened("O_RDONLY", "writer", "write", unistd::write(&reader, b"12345")),
        opened("O_WRONLY", "reader", "read", unistd::read(&writer, &mut [0; 5])),
    ])
}

// ANCHOR: wait
/// Opens in a thread, and when that waits, opens the other side.
fn waiting(name: &'static str, fifo: &Path, flags: OFlag, release: &str, other: OFlag) -> anyhow::Result<Opened> {
    let opening = Opening::start(fifo, flags)?;
    let waits = opening.falls_asleep()?;
    // This does not wait: who waits in open(2) already counts as the other side.
    let _other_side = waits.then(|| open_at_once(fifo, other)).transpose()?;
    opening.finish()?;
    let then = waits.then(|| format!("returns when {release}"));
    Ok(Opened { flags: name, other_side: "none", open: word(waits).to_owned(), then })
}
// ANCHOR_END: wait

fn reader_that_does_not_wait(fifo: &Path) -> anyhow::Result<Opened> {
    let reader = open_at_once(fifo, OFlag::O_RDONLY)?;
    let then = Some(format!("read = {}", read_once(&reader)?));
    Ok(Opened { flags: "O_RDONLY|O_NONBLOCK", other_side: "none", open: word(false).to_owned(), then })
}

fn writer_that_does_not_wait(fifo: &Path) -> Opened {
    let open = match open(fifo, OFlag::O_WRONLY | OFlag::O_NONBLOCK) {
        Ok(_) => word(false).to_owned(),
        Err(errno) => format!("{errno:?}"),
    };
    Opened { flags: "O_WRONLY|O_NONBLOCK", other_side: "none", open, then: None }
}

fn writer_beside_a_reader(fifo: &Path) -> anyhow::Result<Opened> {
    let _reader = open_at_once(fifo, OFlag::O_RDONLY)?;
    let writer = open_at_once(fifo, OFlag::O_WRONLY)?;
    let mut bytes = 0;
    while let Ready::Done(count) = nonblocking("write", &writer, || (&writer).write(&[0; 4096]))? {
        bytes += count;
    }
    let then = Some(format!("{bytes} bytes go in with nobody reading"));
    Ok(Opened { flags: "O_WRONLY|O_NONBLOCK", other_side: "reader", open: word(false).to_owned(), then })
}

/// POSIX leaves O_RDWR on a FIFO undefined; Linux has it.
fn both_sides_in_one(fifo: &Path) -> anyhow::Result<Opened> {
    let opening = Opening::start(fifo, OFlag::O_RDWR)?;
    let waits = opening.falls_asleep()?;
    ensure!(!waits, "O_RDWR waits here");
    let mut both = opening.finish()?;
    both.write_all(b"12345").context("write")?;
    let mut back = [0; 5];
    both.read_exact(&mut back).context("read")?;
    let then = Some(format!("reads back its own {}", String::from_utf8_lossy(&back)));
    Ok(Opened { flags: "O_RDWR", other_side: "none", open: word(waits).to_owned(), then })
}

fn word(waits: bool) -> &'static str {
    if waits { "waits" } else { "returns" }
}

/// An open(2) in a thread of its own.
struct Opening {
    thread: JoinHandle<nix::Result<File>>,
    calls: Calls,
}

impl Opening {
    fn start(path: &Path, flags: OFlag) -> anyhow::Result<Opening> {
        let (tell, told) = mpsc::channel();
        let path = path.to_owned();
        let thread = thread::Builder::new().spawn(move || {
            let calls = Calls::current();
            let can_be_seen = calls.is_ok();
            // Nobody listens any more only when the program has failed already.
            let _ = tell.send(calls);
            // Once it waits in open(2) there is no way back.
            if can_be_seen { open(&path, flags) } else { Err(Errno::ECANCELED) }
        })?;
        Ok(Opening { thread, calls: told.recv()?? })
    }

    /// Whether it sleeps in the kernel; otherwise it is through.
    fn falls_asleep(&self) -> anyhow::Result<bool> {
        self.calls.sleeps_in(libc::SYS_openat)
    }

    fn finish(self) -> anyhow::Result<File> {
        let result = self.thread.join().map_err(|_| anyhow!("the thread that opens panicked"))?;
        result.map_err(io::Error::from).context("open")
    }
}
