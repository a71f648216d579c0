//! What a read leaves in its buffer, and when it returns.
//!
//! Note: Read方法. Go: `net.Conn.Read`, `io.ReadFull`. Man: recv(2).

use std::io::{Read, Write};

use serde_json::{Value, json};
use shared::harness::claims::{Check, Seen, seen};

use crate::experiment::connection;

pub const CHECKS: &[Check] = &[(178, the_buffer_should_be_empty), (179, read_fills_its_buffer)];

/// It writes over what has come, and nothing else: only the count tells which bytes those are.
fn what_was_in_the_buffer_stays() -> anyhow::Result<Value> {
    let (mut ours, mut theirs) = connection()?;
    theirs.write_all(b"abc")?;
    let mut buffer = *b"............";
    let count = ours.read(&mut buffer)?;
    let (read, rest) = buffer.split_at(count);
    let [read, rest] = [read, rest].map(String::from_utf8_lossy);
    Ok(json!({"asked": buffer.len(), "count": count, "read": read, "rest": rest}))
}

fn the_buffer_should_be_empty() -> anyhow::Result<Seen> {
    let buffer = what_was_in_the_buffer_stays()?;
    Ok(Seen::refuted(buffer["read"] == "abc" && buffer["rest"] == ".........", seen(&buffer)))
}

/// The connection stays open, and the buffer has room for all of it.
fn what_has_come_is_enough() -> anyhow::Result<Value> {
    let (mut ours, mut theirs) = connection()?;
    let mut buffer = [0; 12];
    let (mut sent, mut reads) = (Vec::new(), Vec::new());
    for message in ["abc", "defg"] {
        sent.push(theirs.write(message.as_bytes())?);
        reads.push(ours.read(&mut buffer)?);
    }
    Ok(json!({"asked": buffer.len(), "sent": sent, "reads": reads}))
}

fn read_fills_its_buffer() -> anyhow::Result<Seen> {
    let reads = what_has_come_is_enough()?;
    Ok(Seen::refuted(reads["reads"] == reads["sent"], seen(&reads)))
}
