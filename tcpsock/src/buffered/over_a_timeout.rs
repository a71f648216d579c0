//! A line that comes in two parts, with a timeout between them: who keeps the first part.
//!
//! Note: Read方法 (bufio). Go: `bufio.Reader.ReadBytes`, `bufio.Scanner`. Man: SO_RCVTIMEO in socket(7).

use std::io::{self, BufRead, ErrorKind};
use std::time::{Duration, Instant};

use anyhow::Context;
use bufstream::BufStream;
use serde::Serialize;
use shared::cube_roots::client::DeadlineSocket;
use shared::linux::answer::{Error, Outcome};

use crate::loopback::connection;

const LINE: &str = "the root ∛27 is 3\n";
const AFTER_A_WORD: usize = 4;
const INSIDE_THE_ROOT: usize = 10;

/// What two calls returned, and what their caller had in the end.
#[derive(Serialize)]
pub struct Line {
    step: &'static str,
    sent_text: &'static str,
    first_read: Came,
    second_read: Came,
    got: String,
}

/// What a call returned, or that std found no UTF-8 in what it had read.
#[derive(Serialize)]
#[serde(untagged)]
enum Came {
    Returned(Outcome),
    NotText(Error<io::Error>),
}

/// Each line is a String of its own, dropped with the error.
pub fn lines(limit: Duration) -> anyhow::Result<Line> {
    let mut got = String::new();
    let reads = read_twice(AFTER_A_WORD, limit, |stream| {
        got = BufRead::lines(stream).next().transpose()?.unwrap_or_default();
        Ok(got.len())
    })?;
    Ok(line("lines", reads, &got))
}

/// The String outlives the call, but may hold no half character: all that this call has read is dropped.
pub fn read_line(limit: Duration) -> anyhow::Result<Line> {
    let mut got = String::new();
    let reads = read_twice(INSIDE_THE_ROOT, limit, |stream| stream.read_line(&mut got))?;
    Ok(line("read_line", reads, &got))
}

/// The Vec outlives the call and holds any bytes.
pub fn read_until(limit: Duration) -> anyhow::Result<Line> {
    let mut got = Vec::new();
    let reads = read_twice(INSIDE_THE_ROOT, limit, |stream| stream.read_until(b'\n', &mut got))?;
    Ok(line("read_until", reads, &String::from_utf8_lossy(&got)))
}

fn line(step: &'static str, [first_read, second_read]: [Came; 2], got: &str) -> Line {
    Line { step, sent_text: LINE.trim_end(), first_read, second_read, got: got.trim_end().to_owned() }
}

/// Has `read` called when the line has come up to `cut`, and again when the rest has.
fn read_twice(
    cut: usize,
    limit: Duration,
    mut read: impl FnMut(&mut BufStream<DeadlineSocket>) -> io::Result<usize>,
) -> anyhow::Result<[Came; 2]> {
    let (ours, theirs) = connection()?;
    let mut stream = BufStream::new(DeadlineSocket::new(ours.socket));
    let (first, rest) = LINE.as_bytes().split_at(cut);
    theirs.write(first)?;
    stream.get_mut().set_deadline(Some(Instant::now() + limit));
    let early = came(read(&mut stream)).context("read the first part")?;
    theirs.write(rest)?;
    stream.get_mut().set_deadline(None);
    Ok([early, came(read(&mut stream)).context("read the rest")?])
}

fn came(result: io::Result<usize>) -> io::Result<Came> {
    match result {
        Err(error) if error.kind() == ErrorKind::InvalidData => Ok(Came::NotText(Error { error })),
        other => Outcome::by_deadline(other).map(Came::Returned),
    }
}
