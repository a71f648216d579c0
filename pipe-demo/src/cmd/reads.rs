//! What one read says of the rest: nothing. Less than the buffer holds is no end, an error may be one, and a
//! buffered reader's buffer is no limit.
//!
//! Note: 管道 ("Read方法", "bufio.NewReader"). Go: `io.Reader`, `bufio.Reader`. Man: read(2), pipe(7).

use std::io::{self, BufReader, Read, Write};
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};

use anyhow::Context;
use serde::Serialize;
use shared::linux::answer::Outcome;
use shared::linux::child::Children;
use shared::linux::readiness::restart;

use crate::run::{By, read_output};

/// The note's loop, which reads on after an error that is not the end. This error stays.
#[derive(Serialize)]
pub struct ReadingOn {
    pub tries: usize,
    pub read: Outcome,
    pub same: usize,
}

pub fn after_an_error() -> anyhow::Result<ReadingOn> {
    const TRIES: usize = 1000;
    let (_reader, writer) = io::pipe().context("pipe")?;
    let read = || Outcome::of(nix::unistd::read(&writer, &mut [0; 5])).context("read from a writer");
    let first = read()?;
    let mut same = 1;
    while same < TRIES && read()? == first {
        same += 1;
    }
    Ok(ReadingOn { tries: TRIES, read: first, same })
}

/// The note's buffer.
pub const BUFFER: NonZeroUsize = NonZeroUsize::new(30).unwrap();

/// One that prints all at once, and one that pauses until its output so far has been read.
pub const SCRIPTS: [&str; 2] = ["printf three", "echo one; read go; echo two"];

/// One whose output is longer than the buffer.
pub const LONGER: &str = "printf %040d 0";

/// One whose output fills it, and is over.
pub const EXACT: &str = "printf %030d 0";

/// What each read of a script's output brought.
#[derive(Serialize)]
pub struct Pieces {
    pub script: &'static str,
    pub buffer: NonZeroUsize,
    pub reads: Vec<usize>,
}

pub fn of_output(script: &'static str) -> anyhow::Result<Pieces> {
    let (stdin, mut go) = io::pipe().context("pipe")?;
    let mut reads = Vec::new();
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(stdin).stdout(Stdio::piped());
    let children = Children::helpers();
    let mut child = children.spawn(&mut command)?;
    read_output(&mut child, By::Buffer(BUFFER), |piece| {
        reads.push(piece.len());
        // A script that does not wait may be gone: that is no error of ours.
        let _ = go.write_all(b"\n");
        Ok(())
    })?;
    Ok(Pieces { script, buffer: BUFFER, reads })
}

/// Two pages are what a pipe has at least.
const IN_THE_PIPE: usize = 8192;

/// How much to ask for: less than the buffer has, and more.
pub const SIZES: [usize; 2] = [100, IN_THE_PIPE];

/// What one read from a buffered reader takes out of the pipe.
#[derive(Serialize)]
pub struct Buffered {
    pub in_the_pipe: usize,
    pub buffer: usize,
    pub asked: usize,
    pub taken: usize,
}

pub fn through_a_buffer(asked: usize) -> anyhow::Result<Buffered> {
    const BUFIO: usize = 4096;
    // ANCHOR: buffered
    let (reader, mut writer) = io::pipe().context("pipe")?;
    writer.write_all(&[0; IN_THE_PIPE]).context("write the pipe")?;
    drop(writer);
    let mut buffered = BufReader::with_capacity(BUFIO, reader);
    restart(|| buffered.read(&mut vec![0; asked])).context("read the pipe")?;
    let mut pipe = buffered.into_inner();
    let left = pipe.read_to_end(&mut Vec::new()).context("read the pipe")?;
    // ANCHOR_END: buffered
    Ok(Buffered { in_the_pipe: IN_THE_PIPE, buffer: BUFIO, asked, taken: IN_THE_PIPE - left })
}
