//! What a read leaves in its buffer, and when it returns.
//!
//! Note: Read方法. Go: `net.Conn.Read`, `io.ReadFull`. Man: recv(2).

use serde::Serialize;
use shared::harness::report::Report;

use crate::experiment::{self, Noted, noted};
use crate::loopback::connection;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub timeout: experiment::Timeout,
}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&what_was_in_the_buffer_stays()?)?;
    out.pairs(&what_has_come_is_enough()?)
}

/// A buffer that was full of dots, after a read.
#[derive(Serialize)]
#[serde(tag = "step", rename = "buffer")]
pub struct Buffer {
    pub asked: usize,
    pub count: usize,
    pub read: String,
    pub rest: String,
    #[serde(flatten)]
    noted: Noted,
}

/// A read overwrites as much as has come, and nothing else: only the count tells which bytes those are.
pub fn what_was_in_the_buffer_stays() -> anyhow::Result<Buffer> {
    let (ours, theirs) = connection()?;
    theirs.write(b"abc")?;
    let mut buffer = *b"............";
    let count = ours.read(&mut buffer)?;
    let (read, rest) = buffer.split_at(count);
    let [read, rest] = [read, rest].map(|part| String::from_utf8_lossy(part).into_owned());
    Ok(Buffer { asked: buffer.len(), count, read, rest, noted: noted("the buffer should hold nothing but zeros", 178) })
}

/// Messages and reads by turns.
#[derive(Serialize)]
#[serde(tag = "step", rename = "short")]
pub struct ShortReads {
    pub asked: usize,
    pub sent: Vec<usize>,
    pub reads: Vec<usize>,
    #[serde(flatten)]
    noted: Noted,
}

/// The connection stays open, and the buffer has room for all of it.
pub fn what_has_come_is_enough() -> anyhow::Result<ShortReads> {
    let (ours, theirs) = connection()?;
    let mut buffer = [0; 12];
    let (mut sent, mut reads) = (Vec::new(), Vec::new());
    for message in ["abc", "defg"] {
        sent.push(theirs.write(message.as_bytes())?);
        reads.push(ours.read(&mut buffer)?);
    }
    Ok(ShortReads { asked: buffer.len(), sent, reads, noted: noted("Read returns once the buffer is full", 179) })
}
