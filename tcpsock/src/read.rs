//! What a read leaves in its buffer, when it returns, and what ends the note's loop.
//!
//! Note: Read方法. Go: `net.Conn.Read`, `io.EOF`. Man: recv(2).

use shared::harness::report::Report;

pub use crate::experiment::Args;
use crate::experiment::{noted, record};
use crate::loopback::connection;

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&noted(what_was_in_the_buffer_stays()?, "the buffer should hold nothing but zeros", 178))?;
    out.pairs(&noted(what_has_come_is_enough()?, "Read returns once the buffer is full", 179))?;
    out.pairs(&until_the_connection_is_closed()?)
}

// A buffer that was full of dots, after a read.
record!("buffer", Buffer { asked: usize, read: usize, got: String, rest: String });

/// A read overwrites as much as has come, and nothing else: only the count tells which bytes those are.
pub fn what_was_in_the_buffer_stays() -> anyhow::Result<Buffer> {
    let (ours, theirs) = connection()?;
    theirs.write(b"abc")?;
    let mut buffer = *b"............";
    let read = ours.read(&mut buffer)?;
    let (got, rest) = buffer.split_at(read);
    let [got, rest] = [got, rest].map(|part| String::from_utf8_lossy(part).into_owned());
    Ok(Buffer { asked: buffer.len(), read, got, rest })
}

// Messages and reads by turns.
record!("short", ShortReads { asked: usize, sent_sizes: Vec<usize>, reads: Vec<usize> });

// ANCHOR: short
/// The connection stays open, and the buffer has room for all of it.
pub fn what_has_come_is_enough() -> anyhow::Result<ShortReads> {
    let (ours, theirs) = connection()?;
    let mut buffer = [0; 12];
    let (mut sent_sizes, mut reads) = (Vec::new(), Vec::new());
    for message in ["abc", "defg"] {
        sent_sizes.push(theirs.write(message.as_bytes())?);
        reads.push(ours.read(&mut buffer)?);
    }
    Ok(ShortReads { asked: buffer.len(), sent_sizes, reads })
}
// ANCHOR_END: short

record!("loop", Loop { asked: usize, reads: Vec<usize>, received_text: String, end: &'static str });

/// The note's loop. What Go calls io.EOF is a read of 0 bytes.
fn until_the_connection_is_closed() -> anyhow::Result<Loop> {
    let (ours, theirs) = connection()?;
    theirs.write(b"The cube root of 27 is 3.")?;
    drop(theirs);
    let (mut data_buffer, mut reads, mut b) = (Vec::new(), Vec::new(), [0; 10]);
    let end = loop {
        match ours.read(&mut b)? {
            0 => break "The connection is closed.",
            n => {
                reads.push(n);
                data_buffer.extend_from_slice(&b[..n]);
            }
        }
    };
    Ok(Loop { asked: b.len(), reads, received_text: String::from_utf8_lossy(&data_buffer).into_owned(), end })
}
