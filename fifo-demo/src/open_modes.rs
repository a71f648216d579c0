//! Who waits in open(2): either side for the other, unless it asked not to.
//!
//! That a thread waits is read from /proc: asleep in openat(2). The note has data flow only once both sides
//! are ready; more exactly it is open(2) that waits: after it a pipe full of bytes goes in with nobody reading.
//!
//! Note: 管道 (命名管道). Go: `os.OpenFile`. Man: fifo(7), open(2),
//! /proc/pid/syscall in proc(5).

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use nix::fcntl::OFlag;
use nix::libc;
use nix::unistd::{Pid, gettid};
use serde::Serialize;
use shared::readiness::{Ready, nonblocking};
use shared::report::{Failure, Report};

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

pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut out = Report::new(args.json);
    scratch::with(|scratch| {
        let fifo = scratch.fifo("fifo")?;
        out.pairs(&waiting("O_RDONLY", &fifo, OFlag::O_RDONLY, "a writer opens", OFlag::O_WRONLY)?)?;
        out.pairs(&waiting("O_WRONLY", &fifo, OFlag::O_WRONLY, "a reader opens", OFlag::O_RDONLY)?)?;
        out.pairs(&reader_that_does_not_wait(&fifo)?)?;
        out.pairs(&writer_that_does_not_wait(&fifo))?;
        out.pairs(&writer_beside_a_reader(&fifo)?)?;
        out.pairs(&both_sides_in_one(&fifo)?)
    })
}

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
    id: Pid,
}

impl Opening {
    fn start(path: &Path, flags: OFlag) -> anyhow::Result<Opening> {
        let (tell, told) = mpsc::channel();
        let path = path.to_owned();
        let thread = thread::Builder::new().spawn(move || {
            // Nobody listens any more only when the program has failed already.
            let _ = tell.send(gettid());
            open(&path, flags)
        })?;
        Ok(Opening { thread, id: told.recv()? })
    }

    /// Whether it sleeps in the kernel; otherwise it is through.
    fn falls_asleep(&self) -> anyhow::Result<bool> {
        let path = format!("/proc/self/task/{}/syscall", self.id);
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.thread.is_finished() {
            match fs::read_to_string(&path) {
                Ok(call) if call.split(' ').next() == Some(&libc::SYS_openat.to_string()) => return Ok(true),
                Ok(_) => {}
                // It has ended since.
                Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {}
                Err(error) => return Err(Failure::CannotShow(format!("read {path}: {error}")).into()),
            }
            if Instant::now() > deadline {
                bail!("a thread neither returns from open(2) nor sleeps in it");
            }
            thread::yield_now();
        }
        Ok(false)
    }

    fn finish(self) -> anyhow::Result<File> {
        let result = self.thread.join().map_err(|_| anyhow!("the thread that opens panicked"))?;
        result.map_err(io::Error::from).context("open")
    }
}
