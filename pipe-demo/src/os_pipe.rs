//! The two ends of a kernel pipe: what each refuses, and what one sees when the other is closed.
//!
//! The note says that closing an end does not affect the other (claim 95), and that a read of an empty
//! pipe meets the end (claim 79). The kernel says: the end comes when the last writer is closed, and a
//! pipe that nobody reads cannot be written.
//!
//! Note: 管道 ("os.Pipe()"). Go: `os.Pipe`, `os.File`. Man: pipe(2), pipe(7), errno(3).

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::process::Command;

use anyhow::Context;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::unistd::{Whence, lseek, read, write};
use serde::Serialize;
use shared::report::Report;

use crate::children::Children;

#[derive(Serialize)]
struct Seen {
    step: &'static str,
    result: String,
}

pub fn run(mut out: Report) -> anyhow::Result<()> {
    let mut say = |step, result| out.pairs(&Seen { step, result });
    let (mut reader, mut writer) = io::pipe().context("pipe")?;
    say("pipe", born(&reader, &writer)?)?;
    say("write to the reader", shown(write(&reader, b"abc")))?;
    say("read from the writer", shown(read(&writer, &mut [0; 3])))?;
    say("seek", shown(lseek(&reader, 0, Whence::SeekSet)))?;
    // std's ends would not even compile to be used in reverse: a reader has no write.
    say("write", shown(writer.write(b"hello, pipe")))?;
    say("read up to 5 bytes", shown(reader.read(&mut [0; 5])))?;
    say("read up to 100 bytes", shown(reader.read(&mut [0; 100])))?;
    ends_with_the_last_writer(&mut say, &mut reader, writer)?;
    breaks_without_a_reader(&mut say)
}

/// What a new pipe is made of.
fn born(reader: &PipeReader, writer: &PipeWriter) -> anyhow::Result<String> {
    let flags = FdFlag::from_bits_retain(fcntl(reader, FcntlArg::F_GETFD)?);
    let inherited = if flags.contains(FdFlag::FD_CLOEXEC) { "close-on-exec" } else { "inherited by commands" };
    Ok(format!("reader {}, writer {}, {inherited}", reader.as_raw_fd(), writer.as_raw_fd()))
}

/// No data is not the end, as long as there is a writer; what it wrote last comes before the end.
fn ends_with_the_last_writer(
    say: &mut impl FnMut(&'static str, String) -> anyhow::Result<()>,
    reader: &mut PipeReader,
    mut writer: PipeWriter,
) -> anyhow::Result<()> {
    set_nonblocking(&*reader)?; // Or it would wait here for ever.
    say("read while it is empty", shown(reader.read(&mut [0; 5])))?;
    let second = writer.try_clone().context("dup the writer")?;
    drop(second);
    say("close one of two writers, read", shown(reader.read(&mut [0; 5])))?;
    writer.write_all(b"last").context("write the pipe")?;
    drop(writer);
    say("write, close the last writer, read", shown(reader.read(&mut [0; 100])))?;
    say("read again", end_or(reader.read(&mut [0; 100])))
}

/// Rust's programs ignore SIGPIPE and so get to see EPIPE; the commands they start die of the signal.
fn breaks_without_a_reader(say: &mut impl FnMut(&'static str, String) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let (reader, mut writer) = io::pipe().context("pipe")?;
    writer.write_all(b"nobody will read this").context("write the pipe")?;
    drop(reader);
    say("close the reader, write", shown(writer.write(b"abc")))?;
    let children = Children::default();
    let mut echo = children.spawn(Command::new("echo").arg("abc").stdout(writer))?;
    say("let echo write", echo.wait().context("wait for echo")?.to_string())
}

fn set_nonblocking(pipe: impl AsFd) -> anyhow::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(&pipe, FcntlArg::F_GETFL)?);
    fcntl(&pipe, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).context("set O_NONBLOCK")?;
    Ok(())
}

fn end_or(result: io::Result<usize>) -> String {
    if let Ok(0) = result { "0 bytes: the end".into() } else { shown(result) }
}

/// A count of bytes, or the error by the name errno(3) gives it.
fn shown<N: std::fmt::Display, E: Into<io::Error>>(result: Result<N, E>) -> String {
    match result.map_err(Into::into) {
        Ok(count) => format!("{count} bytes"),
        Err(error) => format!("{:?}", Errno::from_raw(error.raw_os_error().unwrap_or_default())),
    }
}
