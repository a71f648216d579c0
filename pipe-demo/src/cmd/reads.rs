//! What one read says of the rest: nothing. Less than the buffer holds is no end, an error may be one, and a
//! buffered reader's buffer is no limit.
//!
//! Note: 管道 ("Read方法", "bufio.NewReader"). Go: `io.Reader`, `bufio.Reader`. Man: read(2), pipe(7).

use std::io::{self, BufReader, Read, Write};
use std::num::NonZeroUsize;
use std::process::Command;

use anyhow::Context;
use nix::errno::Errno;
use shared::harness::claims::{Check, Seen, joined};
use shared::linux::readiness::restart;

use crate::run::{By, read_output};
use shared::linux::child::Children;

pub const CHECKS: &[Check] = &[(78, short_reads), (80, reading_on), (81, at_most_the_buffer)];

/// The note's buffer.
const BUFFER: NonZeroUsize = NonZeroUsize::new(30).unwrap();

fn short_reads() -> anyhow::Result<Seen> {
    let (once, twice) = (reads_of("printf three")?, reads_of("echo one; read go; echo two")?);
    let evidence = format!(
        "bytes read into {BUFFER}: output at once: {}; with a pause: {}",
        joined(&once, " and "),
        joined(&twice, " and ")
    );
    Ok(Seen::imprecise(once == [5], twice == [4, 4], evidence))
}

/// What each read brought. A script that waits for its stdin goes on when its output so far has been read.
fn reads_of(script: &str) -> anyhow::Result<Vec<usize>> {
    let (stdin, mut go) = io::pipe().context("pipe")?;
    let mut reads = Vec::new();
    read_output(
        &Children::helpers(),
        Command::new("sh").args(["-c", script]).stdin(stdin),
        By::Buffer(BUFFER),
        |piece| {
            reads.push(piece.len());
            // A script that does not wait may be gone: that is no error of ours.
            let _ = go.write_all(b"\n");
            Ok(())
        },
    )?;
    Ok(reads)
}

/// The read of a pipe's writer fails for good.
fn reading_on() -> anyhow::Result<Seen> {
    const BOUND: usize = 1000;
    let (_reader, writer) = io::pipe().context("pipe")?;
    let mut errors = Vec::new();
    let mut rounds = 0;
    while rounds < BOUND {
        rounds += 1;
        match nix::unistd::read(&writer, &mut [0; 5]) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => errors.push(error),
        }
    }
    let all_the_same = errors.iter().filter(|&&error| error == Errno::EBADF).count();
    let evidence =
        format!("reads of an end that is for writing: {all_the_same} times EBADF, given up after {rounds} rounds");
    Ok(Seen::refuted(all_the_same == BOUND, evidence))
}

fn at_most_the_buffer() -> anyhow::Result<Seen> {
    let (small, large) = (taken_from_pipe(100)?, taken_from_pipe(IN_THE_PIPE)?);
    let evidence =
        format!("of {IN_THE_PIPE} B in the pipe a read of 100 takes {small}, one of {IN_THE_PIPE} takes {large}");
    Ok(Seen::imprecise(small == BUFIO, large == IN_THE_PIPE, evidence))
}

/// The size of bufio's buffer.
const BUFIO: usize = 4096;

/// Two pages are what a pipe has at least.
const IN_THE_PIPE: usize = 8192;

/// How much the first read from a buffered reader takes out of the pipe.
fn taken_from_pipe(size: usize) -> anyhow::Result<usize> {
    let (reader, mut writer) = io::pipe().context("pipe")?;
    writer.write_all(&[0; IN_THE_PIPE]).context("write the pipe")?;
    drop(writer);
    let mut buffered = BufReader::with_capacity(BUFIO, reader);
    restart(|| buffered.read(&mut vec![0; size])).context("read the pipe")?;
    let left = buffered.into_inner().read_to_end(&mut Vec::new()).context("read the pipe")?;
    Ok(IN_THE_PIPE - left)
}
