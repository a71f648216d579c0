//! BufStream done wrong in five ways, and done right.
//!
//! What it has read ahead or not yet sent is in its memory, and nowhere else.
//!
//! Note: Read方法, Write方法 (bufio). Go: `bufio.Reader.ReadBytes`, `bufio.Scanner`, `bufio.Writer.Flush`. Man: recv(2),
//! send(2).

mod over_a_timeout;
mod writer;

use std::io::{self, BufRead, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use bufstream::BufStream;
use shared::cube_roots::client::DeadlineSocket;
use shared::cube_roots::cube_root;
use shared::cube_roots::framing::{DELIMITER, Inbox, LONGEST, TooLong};
use shared::harness::report::Report;
use shared::linux::answer::{Error, Outcome};
use shared::linux::thread::spawn_scoped;

pub use crate::experiment::DeadlineArgs as Args;
use crate::experiment::{milliseconds, record};
use crate::loopback::connection;

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let limit = args.deadline;
    out.pairs(&a_reader_per_message_loses_what_it_read_ahead()?)?;
    out.pairs(&a_forgotten_flush_makes_both_wait(limit)?)?;
    out.pairs(&a_drop_tells_nobody_what_it_lost()?)?;
    out.pairs(&over_a_timeout::lines(limit)?)?;
    out.pairs(&over_a_timeout::read_line(limit)?)?;
    out.pairs(&over_a_timeout::read_until(limit)?)?;
    out.pairs(&read_until_leaves_the_delimiter()?)?;
    out.pairs(&longer_than_allowed()?)?;
    writer::what_goes_on()?.iter().try_for_each(|wrote| out.pairs(wrote))?;
    out.pairs(&done_right()?)
}

record!("reader-per-message", ReaderPerMessage { sent: usize, received: usize, lost_bytes: usize });

fn a_reader_per_message_loses_what_it_read_ahead() -> anyhow::Result<ReaderPerMessage> {
    let (ours, theirs) = connection()?;
    let sent = theirs.write(b"27\t8\t64\t")?;
    drop(theirs);
    let (mut bytes, mut received) = (Vec::new(), 0);
    while BufStream::new(ours.duplicate()?.socket).read_until(DELIMITER, &mut bytes).context("read_until")? > 0 {
        received += 1;
    }
    Ok(ReaderPerMessage { sent: 3, received, lost_bytes: sent - bytes.len() })
}

// Both sides read under the same deadline, and then the client flushes.
record! { "forgotten-flush", ForgottenFlush {
    limit_ms: u64,
    written: usize,
    client_read: Outcome,
    server_read: Outcome,
    server_read_after_flush: Outcome,
} }

fn a_forgotten_flush_makes_both_wait(limit: Duration) -> anyhow::Result<ForgottenFlush> {
    let (ours, theirs) = connection()?;
    // ANCHOR: flush
    let mut client = BufStream::new(DeadlineSocket::new(ours.socket));
    let mut server = DeadlineSocket::new(theirs.socket);
    let deadline = Some(Instant::now() + limit);
    client.get_mut().set_deadline(deadline);
    server.set_deadline(deadline);
    let written = client.write(b"27\t").context("write")?;
    let (client_read, server_read) = thread::scope(|scope| {
        let server = spawn_scoped(scope, || server.read(&mut [0; 16]))?;
        let answer = client.read_until(DELIMITER, &mut Vec::new());
        anyhow::Ok((answer, server.join()))
    })?;
    // ANCHOR_END: flush
    let server_read = server_read.map_err(|_| anyhow!("the server panicked"))?;

    client.get_mut().set_deadline(None);
    server.set_deadline(None);
    client.flush().context("flush")?;
    let after_flush = server.read(&mut [0; 16]);
    Ok(ForgottenFlush {
        limit_ms: milliseconds(limit),
        written,
        client_read: outcome("read, the client's end", client_read)?,
        server_read: outcome("read, the server's end", server_read)?,
        server_read_after_flush: outcome("read, the server's end", after_flush)?,
    })
}

fn outcome(call: &'static str, result: io::Result<usize>) -> anyhow::Result<Outcome> {
    Outcome::by_deadline(result).context(call)
}

record!("drop", Dropped { written: usize, flush: Outcome, received: usize });

/// A drop sends what it can; an error then has nobody to go to, as flush would have had.
fn a_drop_tells_nobody_what_it_lost() -> anyhow::Result<Dropped> {
    let (ours, theirs) = connection()?;
    let mut client = BufStream::new(DeadlineSocket::new(ours.socket));
    client.get_mut().set_deadline(Some(Instant::now()));
    let written = client.write(b"27\t").context("write")?;
    let flush = outcome("flush", client.flush().map(|()| 0))?;
    drop(client);
    Ok(Dropped { written, flush, received: theirs.read(&mut [0; 16])? })
}

// What each read returned.
record!("delimiter", Delimited { sent_text: &'static str, received_texts: Vec<String> });

/// Except at what came last, without one.
pub fn read_until_leaves_the_delimiter() -> anyhow::Result<Delimited> {
    let (ours, theirs) = connection()?;
    let sent_text = "27\n8\nrest";
    theirs.write(sent_text.as_bytes())?;
    drop(theirs);
    let mut stream = BufStream::new(ours.socket);
    let mut received_texts = Vec::new();
    while received_texts.last().is_none_or(|last: &String| !last.is_empty()) {
        let mut line = Vec::new();
        stream.read_until(b'\n', &mut line).context("read_until")?;
        received_texts.push(String::from_utf8_lossy(&line).into_owned());
    }
    Ok(Delimited { sent_text, received_texts })
}

// A message that is longer than the server allows.
record!("longest", Overlong { longest: usize, sent: usize, read_until: usize, feed: Error<TooLong> });

/// Go's Scanner refuses a token of 65536 bytes, our framing one over its own limit; read_until takes as much as comes.
fn longer_than_allowed() -> anyhow::Result<Overlong> {
    let message = [&[b'7'; LONGEST + 1][..], &[DELIMITER]].concat();
    let read_until = (&message[..]).read_until(DELIMITER, &mut Vec::new()).context("read_until")?;
    let error = Inbox::default().feed(&message, |_| ()).err().context("the framing takes it")?;
    Ok(Overlong { longest: LONGEST, sent: message.len(), read_until, feed: Error { error } })
}

record!("done-right", DoneRight { sent_texts: [&'static str; 3], received_texts: Vec<String> });

/// One stream for all messages, a flush before each wait, and a Vec that outlives the call.
fn done_right() -> anyhow::Result<DoneRight> {
    let (ours, theirs) = connection()?;
    let (mut client, mut server) = (BufStream::new(ours.socket), BufStream::new(theirs.socket));
    let sent = ["27", "8", "64"];
    for request in sent {
        write!(client, "{request}\t").context("write, the client's end")?;
    }
    client.flush().context("flush, the client's end")?;
    for _ in sent {
        let mut answer = Vec::new();
        cube_root::answer(&receive(&mut server)?, &mut answer);
        server.write_all(&answer).context("write, the server's end")?;
    }
    server.flush().context("flush, the server's end")?;
    let answers = sent.iter().map(|_| Ok(String::from_utf8_lossy(&receive(&mut client)?).into_owned()));
    Ok(DoneRight { sent_texts: sent, received_texts: answers.collect::<anyhow::Result<_>>()? })
}

/// The next message, without its TAB.
fn receive(stream: &mut impl BufRead) -> anyhow::Result<Vec<u8>> {
    let mut message = Vec::new();
    stream.read_until(DELIMITER, &mut message).context("read_until")?;
    message.pop();
    Ok(message)
}
