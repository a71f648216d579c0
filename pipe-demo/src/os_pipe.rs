//! The two ends of a kernel pipe: what each refuses, and what one sees when the other is closed.
//!
//! The note says that closing an end does not affect the other (claim 95), and that a read of an empty
//! pipe meets the end (claim 79). The kernel says: the end comes when the last writer is closed, and a
//! pipe that nobody reads cannot be written. It says "half-duplex" too (claim 72), which would let bytes come
//! back in their turn; and that an end is a file with all its methods (claim 92).
//!
//! Note: 管道 ("os.Pipe()"). Go: `os.Pipe`, `os.File`. Man: pipe(2), pipe(7), errno(3).

pub mod stranger;

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::process::Command;

use anyhow::Context;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::uio::pread;
use nix::unistd::{Whence, ftruncate, lseek, read, write};
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;
use shared::linux::child::Children;
use shared::linux::child::event::Event;
use shared::linux::readiness::set_nonblocking;

#[derive(clap::Args)]
pub struct Args {}

/// The descriptors of a new pipe.
#[derive(Serialize)]
pub struct Born {
    step: &'static str,
    reader_fd: RawFd,
    writer_fd: RawFd,
    close_on_exec: bool,
}

/// What is done with a pipe, and what came of it.
#[derive(Serialize)]
pub struct Step {
    pub step: &'static str,
    pub returned: Outcome,
}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&born()?)?;
    let steps = in_reverse()?.into_iter().chain(as_a_file()?).chain(forward()?).chain(until_the_last_writer_leaves()?);
    steps.chain([without_a_reader()?]).try_for_each(|step| out.pairs(&step))?;
    out.pairs(&echo_without_a_reader()?)?;
    out.pairs(&stranger::writes()?)
}

fn born() -> anyhow::Result<Born> {
    let (reader, writer) = pipe()?;
    let flags = FdFlag::from_bits_retain(fcntl(&reader, FcntlArg::F_GETFD).context("F_GETFD of a pipe")?);
    let close_on_exec = flags.contains(FdFlag::FD_CLOEXEC);
    Ok(Born { step: "pipe", reader_fd: reader.as_raw_fd(), writer_fd: writer.as_raw_fd(), close_on_exec })
}

/// std's ends would not even compile to be used so: a reader has no write.
pub fn in_reverse() -> anyhow::Result<[Step; 2]> {
    let (reader, writer) = pipe()?;
    Ok([
        Step::new("write to the reader", Outcome::of(write(&reader, b"abc")).context("write to a reader")?),
        Step::new("read from the writer", Outcome::of(read(&writer, &mut [0; 3])).context("read from a writer")?),
    ])
}

pub fn as_a_file() -> anyhow::Result<[Step; 3]> {
    let (reader, writer) = pipe()?;
    Ok([
        Step::new("seek", Outcome::succeeds(lseek(&reader, 0, Whence::SeekSet)).context("seek in a pipe")?),
        Step::new("read at an offset", Outcome::of(pread(&reader, &mut [0; 3], 0)).context("pread of a pipe")?),
        Step::new("truncate", Outcome::succeeds(ftruncate(&writer, 0)).context("truncate a pipe")?),
    ])
}

pub fn forward() -> anyhow::Result<[Step; 3]> {
    let (mut reader, mut writer) = pipe()?;
    let written = Outcome::of(writer.write(b"hello, pipe")).context("write the pipe")?;
    Ok([
        Step::new("write", written),
        Step::new("read up to 5 bytes", read_from(&mut reader, 5)?),
        Step::new("read up to 100 bytes", read_from(&mut reader, 100)?),
    ])
}

/// No data is not the end, as long as there is a writer; what it wrote last comes before the end.
pub fn until_the_last_writer_leaves() -> anyhow::Result<[Step; 4]> {
    // ANCHOR: ends
    let (mut reader, mut writer) = pipe()?;
    set_nonblocking(&reader).context("set O_NONBLOCK")?; // Or it would wait here for ever.
    let empty = read_from(&mut reader, 5)?;
    drop(writer.try_clone().context("dup the writer")?);
    let one_of_two = read_from(&mut reader, 5)?;
    writer.write_all(b"last").context("write the pipe")?;
    drop(writer);
    Ok([
        Step::new("read while it is empty", empty),
        Step::new("close one of two writers, read", one_of_two),
        Step::new("write, close the last writer, read", read_from(&mut reader, 100)?),
        Step::new("read again", read_from(&mut reader, 100)?),
    ])
    // ANCHOR_END: ends
}

// ANCHOR: breaks
/// Rust's programs ignore SIGPIPE and so get to see EPIPE.
pub fn without_a_reader() -> anyhow::Result<Step> {
    let (reader, mut writer) = pipe()?;
    writer.write_all(b"nobody will read this").context("write the pipe")?;
    drop(reader);
    let written = Outcome::of(writer.write(b"abc")).context("write the pipe")?;
    Ok(Step::new("close the reader, write", written))
}
// ANCHOR_END: breaks

#[derive(Serialize)]
struct Echoed {
    step: &'static str,
    event: Event,
}

/// The commands they start die of the signal.
fn echo_without_a_reader() -> anyhow::Result<Echoed> {
    let (reader, writer) = pipe()?;
    drop(reader);
    let children = Children::helpers();
    let mut echo = children.spawn(Command::new("echo").arg("abc").stdout(writer))?;
    Ok(Echoed { step: "let echo write", event: echo.wait().context("wait for echo")?.into() })
}

impl Step {
    fn new(step: &'static str, returned: Outcome) -> Step {
        Step { step, returned }
    }
}

fn pipe() -> anyhow::Result<(PipeReader, PipeWriter)> {
    io::pipe().context("pipe")
}

fn read_from(reader: &mut PipeReader, size: usize) -> anyhow::Result<Outcome> {
    Outcome::of(reader.read(&mut vec![0; size])).context("read the pipe")
}
