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
use std::os::fd::{AsFd, AsRawFd};
use std::process::Command;

use anyhow::Context;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::uio::pread;
use nix::unistd::{Whence, ftruncate, lseek, read, write};
use shared::harness::claims::{Check, Seen};
use shared::harness::report::Report;
use shared::linux::answer::answer;

use crate::step::{Step, results, told};
use shared::linux::child::Children;

pub const CHECKS: &[Check] = &[
    (72, half_duplex),
    (79, nothing_is_the_end),
    (92, like_any_file),
    (94, refused_in_reverse),
    (95, close_is_felt_at_the_other_end),
];

pub fn run(mut out: Report) -> anyhow::Result<()> {
    out.pairs(&born()?)?;
    let steps = in_reverse()?.into_iter().chain(as_a_file()?).chain(forward()?).chain(until_the_last_writer_leaves()?);
    steps.chain(without_a_reader()?).try_for_each(|step| out.pairs(&step))
}

/// What a new pipe is made of.
fn born() -> anyhow::Result<Step> {
    let (reader, writer) = pipe()?;
    let flags = FdFlag::from_bits_retain(fcntl(&reader, FcntlArg::F_GETFD)?);
    let inherited = if flags.contains(FdFlag::FD_CLOEXEC) { "close-on-exec" } else { "inherited by commands" };
    Ok(Step::new("pipe", format!("reader {}, writer {}, {inherited}", reader.as_raw_fd(), writer.as_raw_fd())))
}

/// std's ends would not even compile to be used so: a reader has no write.
fn in_reverse() -> anyhow::Result<[Step; 2]> {
    let (reader, writer) = pipe()?;
    Ok([
        Step::new("write to the reader", shown(write(&reader, b"abc"))?),
        Step::new("read from the writer", shown(read(&writer, &mut [0; 3]))?),
    ])
}

fn as_a_file() -> anyhow::Result<[Step; 3]> {
    let (reader, writer) = pipe()?;
    Ok([
        Step::new("seek", shown(lseek(&reader, 0, Whence::SeekSet))?),
        Step::new("read at an offset", shown(pread(&reader, &mut [0; 3], 0))?),
        Step::new("truncate", shown(ftruncate(&writer, 0).map(|()| 0))?),
    ])
}

fn forward() -> anyhow::Result<[Step; 3]> {
    let (mut reader, mut writer) = pipe()?;
    Ok([
        Step::new("write", shown(writer.write(b"hello, pipe"))?),
        Step::new("read up to 5 bytes", shown(reader.read(&mut [0; 5]))?),
        Step::new("read up to 100 bytes", shown(reader.read(&mut [0; 100]))?),
    ])
}

fn half_duplex() -> anyhow::Result<Seen> {
    let (forward, reverse) = (forward()?, in_reverse()?);
    let one_way = results(&forward) == ["11 bytes", "5 bytes", "6 bytes"];
    // Though nothing was on its way in that pipe: it is nobody's turn, ever.
    let not_even_in_turn = results(&reverse) == ["EBADF"; 2];
    Ok(Seen::imprecise(one_way, not_even_in_turn, format!("{}; {}", told(&forward), told(&reverse))))
}

fn refused_in_reverse() -> anyhow::Result<Seen> {
    let steps = in_reverse()?;
    Ok(Seen::holds(results(&steps) == ["EBADF"; 2], told(&steps)))
}

fn like_any_file() -> anyhow::Result<Seen> {
    let (forward, file) = (forward()?, as_a_file()?);
    let read_and_written = results(&forward) == ["11 bytes", "5 bytes", "6 bytes"];
    let exceptions = results(&file) == ["ESPIPE", "ESPIPE", "EINVAL"];
    Ok(Seen::imprecise(read_and_written, exceptions, format!("{}; {}", told(&forward), told(&file))))
}

// ANCHOR: ends
/// No data is not the end, as long as there is a writer; what it wrote last comes before the end.
fn until_the_last_writer_leaves() -> anyhow::Result<[Step; 4]> {
    let (mut reader, mut writer) = pipe()?;
    set_nonblocking(&reader)?; // Or it would wait here for ever.
    let empty = shown(reader.read(&mut [0; 5]))?;
    drop(writer.try_clone().context("dup the writer")?);
    let one_of_two = shown(reader.read(&mut [0; 5]))?;
    writer.write_all(b"last").context("write the pipe")?;
    drop(writer);
    Ok([
        Step::new("read while it is empty", empty),
        Step::new("close one of two writers, read", one_of_two),
        Step::new("write, close the last writer, read", shown(reader.read(&mut [0; 100]))?),
        Step::new("read again", end_or(reader.read(&mut [0; 100]))?),
    ])
}
// ANCHOR_END: ends

fn nothing_is_the_end() -> anyhow::Result<Seen> {
    let steps = until_the_last_writer_leaves()?;
    let [empty, one_of_two, _, end] = results(&steps);
    Ok(Seen::refuted([empty, one_of_two] == ["EAGAIN"; 2] && end == THE_END, told(&steps)))
}

// ANCHOR: breaks
/// Rust's programs ignore SIGPIPE and so get to see EPIPE; the commands they start die of the signal.
fn without_a_reader() -> anyhow::Result<[Step; 2]> {
    let (reader, mut writer) = pipe()?;
    writer.write_all(b"nobody will read this").context("write the pipe")?;
    drop(reader);
    let written = shown(writer.write(b"abc"))?;
    let children = Children::helpers();
    let mut echo = children.spawn(Command::new("echo").arg("abc").stdout(writer))?;
    Ok([
        Step::new("close the reader, write", written),
        Step::new("let echo write", echo.wait().context("wait for echo")?.to_string()),
    ])
}
// ANCHOR_END: breaks

fn close_is_felt_at_the_other_end() -> anyhow::Result<Seen> {
    let (left, unread) = (until_the_last_writer_leaves()?, without_a_reader()?);
    let ([_, open, _, closed], [broken, _]) = (results(&left), results(&unread));
    let felt = open == "EAGAIN" && closed == THE_END && broken == "EPIPE";
    Ok(Seen::refuted(felt, told([&left[1], &left[3], &unread[0]])))
}

fn pipe() -> anyhow::Result<(PipeReader, PipeWriter)> {
    io::pipe().context("pipe")
}

fn set_nonblocking(pipe: impl AsFd) -> anyhow::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(&pipe, FcntlArg::F_GETFL)?);
    fcntl(&pipe, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).context("set O_NONBLOCK")?;
    Ok(())
}

const THE_END: &str = "0 bytes: the end";

fn end_or(result: io::Result<usize>) -> io::Result<String> {
    if let Ok(0) = result { Ok(THE_END.into()) } else { shown(result) }
}

/// A count of bytes, or the error by the name errno(3) gives it.
fn shown<N: std::fmt::Display, E: Into<io::Error>>(result: Result<N, E>) -> io::Result<String> {
    match result.map_err(Into::into) {
        Ok(count) => Ok(format!("{count} bytes")),
        Err(error) => answer(&error),
    }
}
