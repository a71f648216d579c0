//! Runs a command and reads what it prints through a pipe, to the end; only then reaps it.
//!
//! A read returns what is there: fewer bytes than the buffer holds say nothing about the end, which is
//! the read that returns none, after the last writer has closed the pipe.
//!
//! Note: 管道. Go: `exec.Cmd.StdoutPipe`, `bufio.Reader.ReadLine`. Man: pipe(7), read(2).

use std::io::{BufRead, BufReader, Read};
use std::num::NonZeroUsize;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use shared::harness::report::Report;
use shared::linux::failure::Failure;
use shared::linux::readiness::restart;
use shared::linux::stdio::{detail, stdout_is_open};

use crate::pipeline::Stage;
use crate::status::{self, StageEnded};
use shared::harness::story;
use shared::linux::child::{Child, Children};

const LARGEST: usize = 1 << 30;

#[derive(clap::Args)]
pub struct Args {
    /// Read at most N bytes at a time (the note: 5)
    #[arg(long, value_name = "N", default_value = "4096", value_parser = buffer_size)]
    buffer: NonZeroUsize,
    /// Read by line; a line longer than the buffer comes in pieces
    #[arg(long)]
    lines: bool,
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", value_parser = shared::harness::duration::limit, default_value = "1h")]
    timeout: Duration,
    /// The command and its arguments; it reads from stdin
    #[arg(trailing_var_arg = true, required = true, value_name = "CMD")]
    command: Vec<std::ffi::OsString>,
}

/// Bytes that a buffer may have: at least one, and no more than can be had.
pub fn buffer_size(text: &str) -> Result<NonZeroUsize, String> {
    let size: NonZeroUsize = text.parse().map_err(|error| format!("{error}"))?;
    if size.get() <= LARGEST { Ok(size) } else { Err(format!("more than {LARGEST} bytes")) }
}

#[derive(Clone, Copy)]
pub enum By {
    Buffer(NonZeroUsize),
    Line(NonZeroUsize),
}

impl By {
    /// Whether the line's end has not come yet: what Go's ReadLine calls isPrefix.
    fn is_prefix(self, piece: &[u8]) -> bool {
        matches!(self, By::Line(size) if piece.len() == size.get() && !piece.ends_with(b"\n"))
    }
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    stdout_is_open()?;
    let by = if args.lines { By::Line(args.buffer) } else { By::Buffer(args.buffer) };
    let (stage, mut out) = (Stage(args.command.clone()), out.for_thread());
    story::tell(args.timeout, &Children::commands(), move |children| {
        let mut child = children.spawn(stage.command().stdout(Stdio::piped()))?;
        let status = read_output(&mut child, by, |piece| {
            let goes_on = if by.is_prefix(piece) { " of a line that goes on" } else { "" };
            detail(format_args!("read {} bytes{goes_on}: {:?}", piece.len(), String::from_utf8_lossy(piece)));
            out.payload(piece)?;
            out.flush()
        })?;
        out.beside(&StageEnded::new(1, &stage, &child, status))?;
        status::check(status::code(status))
    })
}

/// Hands each piece of the command's output, a pipe, to `each`, then waits for the command.
///
/// When `each` finds that its own reader has gone, the command is told in the same way: the pipe is
/// closed, and its next write ends it with SIGPIPE.
pub fn read_output(
    child: &mut Child,
    by: By,
    mut each: impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<ExitStatus> {
    let stdout = child.stdout.take().context("the command has a stdout")?;
    let read = match by {
        By::Buffer(size) => read_pieces(stdout, size, &mut each),
        By::Line(size) => read_lines(stdout, size, &mut each),
    };
    match read {
        Err(error) if error.downcast_ref() != Some(&Failure::ReaderGone) => Err(error),
        read => {
            let status = child.wait().context("wait for the command")?;
            read.map(|()| status)
        }
    }
}

// ANCHOR: read
fn read_pieces(
    mut stdout: impl Read,
    size: NonZeroUsize,
    each: &mut impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut buffer = vec![0; size.get()];
    loop {
        match restart(|| stdout.read(&mut buffer)).context("read the command's stdout")? {
            0 => return Ok(()),
            count => each(&buffer[..count])?,
        }
    }
}
// ANCHOR_END: read

/// A piece ends in a newline, or fills the buffer, or is the unterminated end.
fn read_lines(
    stdout: impl Read,
    size: NonZeroUsize,
    each: &mut impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut lines = BufReader::with_capacity(size.get(), stdout);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut at_most = lines.by_ref().take(size.get() as u64);
        match at_most.read_until(b'\n', &mut line).context("read the command's stdout")? {
            0 => return Ok(()),
            _ => each(&line)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(text: &str, size: usize) -> Vec<String> {
        let mut lines = Vec::new();
        read_lines(text.as_bytes(), NonZeroUsize::new(size).unwrap(), &mut |line| {
            lines.push(String::from_utf8_lossy(line).into_owned());
            Ok(())
        })
        .unwrap();
        lines
    }

    #[test]
    fn a_line_longer_than_the_buffer_comes_in_pieces() {
        assert_eq!(lines_of("one\ntwo", 4096), ["one\n", "two"]);
        assert_eq!(lines_of("abcdefg\nh\n", 4), ["abcd", "efg\n", "h\n"]);
        assert_eq!(lines_of("\n", 1), ["\n"]);
        assert_eq!(lines_of("", 4), [""; 0]);
    }
}
