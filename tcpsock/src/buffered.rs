//! BufStream done wrong in five ways, and done right.
//!
//! What it has read ahead or not yet sent is in its memory, and nowhere else.
//!
//! Note: Read方法, Write方法 (bufio). Go: `bufio.Reader.ReadBytes`, `bufio.Writer.Flush`. Man: recv(2), send(2).

use std::io::{self, BufRead, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use bufstream::BufStream;
use serde_json::{Value, json};
use shared::cube_roots::client::DeadlineSocket;
use shared::cube_roots::cube_root;
use shared::cube_roots::framing::DELIMITER;
use shared::harness::claims::{Check, Seen, seen};
use shared::harness::report::Report;
use shared::linux::thread::spawn_scoped;

use crate::experiment::{self, connection, milliseconds, outcome};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub options: experiment::Options,
    #[command(flatten)]
    limit: experiment::Limit,
}

pub const CHECKS: &[Check] = &[(182, a_message_ends_with_its_delimiter)];

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let limit = args.limit.deadline;
    out.pairs(&a_reader_per_message_loses_what_it_read_ahead()?)?;
    out.pairs(&a_forgotten_flush_makes_both_wait(limit)?)?;
    out.pairs(&a_drop_tells_nobody_what_it_lost()?)?;
    out.pairs(&lines_loses_what_came_before_a_timeout(limit)?)?;
    out.pairs(&read_line_loses_it_where_a_character_is_cut(limit)?)?;
    out.pairs(&read_until_keeps_it(limit)?)?;
    out.pairs(&read_until_leaves_the_delimiter()?)?;
    out.pairs(&done_right()?)
}

// ANCHOR: ahead
fn a_reader_per_message_loses_what_it_read_ahead() -> anyhow::Result<Value> {
    let (ours, mut theirs) = connection()?;
    let sent = b"27\t8\t64\t";
    theirs.write_all(sent)?;
    drop(theirs);
    let mut received = Vec::new();
    let mut messages = 0;
    while BufStream::new(ours.try_clone()?).read_until(DELIMITER, &mut received)? > 0 {
        messages += 1;
    }
    let lost = sent.len() - received.len();
    Ok(json!({"step": "reader-per-message", "sent": 3, "received": messages, "lost_bytes": lost}))
}
// ANCHOR_END: ahead

// ANCHOR: flush
fn a_forgotten_flush_makes_both_wait(limit: Duration) -> anyhow::Result<Value> {
    let (ours, theirs) = connection()?;
    let (mut client, mut server) = (BufStream::new(DeadlineSocket::new(ours)), DeadlineSocket::new(theirs));
    let deadline = Some(Instant::now() + limit);
    client.get_mut().set_deadline(deadline);
    server.set_deadline(deadline);
    let written = client.write(b"27\t")?;
    let (request, answer) = thread::scope(|scope| {
        let server = spawn_scoped(scope, || server.read(&mut [0; 16]))?;
        let answer = client.read_until(DELIMITER, &mut Vec::new());
        anyhow::Ok((server.join(), answer))
    })?;
    let request = request.map_err(|_| anyhow!("the server panicked"))?;

    client.get_mut().set_deadline(None);
    server.set_deadline(None);
    client.flush()?;
    let flushed = server.read(&mut [0; 16]);
    Ok(json!({
        "step": "forgotten-flush", "limit_ms": milliseconds(limit), "written": written,
        "client_read": outcome(&answer)?, "server_read": outcome(&request)?, "server_read_after_flush": outcome(&flushed)?,
    }))
}
// ANCHOR_END: flush

/// A drop sends what it can; an error then has nobody to go to, as flush would have had.
fn a_drop_tells_nobody_what_it_lost() -> anyhow::Result<Value> {
    let (ours, mut theirs) = connection()?;
    let mut client = BufStream::new(DeadlineSocket::new(ours));
    client.get_mut().set_deadline(Some(Instant::now()));
    let written = client.write(b"27\t")?;
    let flush = client.flush().map(|()| 0);
    drop(client);
    let received = theirs.read(&mut [0; 16]);
    Ok(json!({"step": "drop", "written": written, "flush": outcome(&flush)?, "received": outcome(&received)?}))
}

/// What is sent in two parts, with a timeout between them.
const LINE: &str = "the root ∛27 is 3\n";
const AFTER_A_WORD: usize = 4;
const INSIDE_THE_ROOT: usize = 10;

/// Each line is a String of its own, dropped with the error.
fn lines_loses_what_came_before_a_timeout(limit: Duration) -> anyhow::Result<Value> {
    let mut got = String::new();
    let reads = over_a_timeout(AFTER_A_WORD, limit, |stream| {
        got = BufRead::lines(stream).next().transpose()?.unwrap_or_default();
        Ok(got.len())
    })?;
    Ok(json!({"step": "lines", "sent": LINE.trim_end(), "reads": reads, "got": got}))
}

/// The String outlives the call, but may hold no half character: all that this call has read is dropped.
fn read_line_loses_it_where_a_character_is_cut(limit: Duration) -> anyhow::Result<Value> {
    let mut got = String::new();
    let reads = over_a_timeout(INSIDE_THE_ROOT, limit, |stream| stream.read_line(&mut got))?;
    Ok(json!({"step": "read_line", "sent": LINE.trim_end(), "reads": reads, "got": got.trim_end()}))
}

fn read_until_keeps_it(limit: Duration) -> anyhow::Result<Value> {
    let mut got = Vec::new();
    let reads = over_a_timeout(INSIDE_THE_ROOT, limit, |stream| stream.read_until(b'\n', &mut got))?;
    let got = String::from_utf8_lossy(&got);
    Ok(json!({"step": "read_until", "sent": LINE.trim_end(), "reads": reads, "got": got.trim_end()}))
}

/// Has `read` called when the line has come up to `cut`, and again when the rest has.
fn over_a_timeout(
    cut: usize,
    limit: Duration,
    mut read: impl FnMut(&mut BufStream<DeadlineSocket>) -> io::Result<usize>,
) -> anyhow::Result<[Value; 2]> {
    let (ours, mut theirs) = connection()?;
    let mut stream = BufStream::new(DeadlineSocket::new(ours));
    let (first, rest) = LINE.as_bytes().split_at(cut);
    theirs.write_all(first)?;
    stream.get_mut().set_deadline(Some(Instant::now() + limit));
    let early = outcome(&read(&mut stream))?;
    theirs.write_all(rest)?;
    stream.get_mut().set_deadline(None);
    Ok([early, outcome(&read(&mut stream))?])
}

/// But for what came last, without one.
fn read_until_leaves_the_delimiter() -> anyhow::Result<Value> {
    let (ours, mut theirs) = connection()?;
    let sent = "27\n8\nrest";
    theirs.write_all(sent.as_bytes())?;
    drop(theirs);
    let mut stream = BufStream::new(ours);
    let mut reads = Vec::new();
    while reads.last().is_none_or(|last: &String| !last.is_empty()) {
        let mut line = Vec::new();
        stream.read_until(b'\n', &mut line)?;
        reads.push(String::from_utf8_lossy(&line).into_owned());
    }
    Ok(json!({"step": "delimiter", "sent": sent, "reads": reads}))
}

fn a_message_ends_with_its_delimiter() -> anyhow::Result<Seen> {
    let record = read_until_leaves_the_delimiter()?;
    Ok(Seen::holds(record["reads"] == json!(["27\n", "8\n", "rest", ""]), seen(&record)))
}

/// One stream for all messages, a flush before each wait, and a Vec that outlives the call.
fn done_right() -> anyhow::Result<Value> {
    let (ours, theirs) = connection()?;
    let (mut client, mut server) = (BufStream::new(ours), BufStream::new(theirs));
    let requests = ["27", "8", "64"];
    for request in requests {
        write!(client, "{request}\t")?;
    }
    client.flush()?;
    for _ in requests {
        let mut answer = Vec::new();
        cube_root::answer(&receive(&mut server)?, &mut answer);
        server.write_all(&answer)?;
    }
    server.flush()?;
    let answers = requests.iter().map(|_| Ok(String::from_utf8_lossy(&receive(&mut client)?).into_owned()));
    let answers = answers.collect::<io::Result<Vec<_>>>()?;
    Ok(json!({"step": "done-right", "sent": requests, "received": answers}))
}

/// The next message, without its TAB.
fn receive(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    stream.read_until(DELIMITER, &mut message)?;
    message.pop();
    Ok(message)
}
