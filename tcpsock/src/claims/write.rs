//! Note: Write方法. Go is asked, where there is Go.

use serde::{Deserialize, Serialize};
use shared::harness::claims::go::{record, records};
use shared::harness::claims::{Check, Seen, joined, seen};

pub const CHECKS: &[Check] =
    &[(185, a_buffered_writer), (201, flush_writes_all), (202, a_size_of_ones_own), (186, larger_than_the_buffer)];

#[derive(Serialize, Deserialize)]
struct Writer {
    methods: Vec<String>,
    size: usize,
    asked_for: usize,
    got: usize,
}

fn a_buffered_writer() -> anyhow::Result<Seen> {
    let writer: Writer = record()?;
    let noted = ["Write", "WriteByte", "WriteRune", "WriteString", "ReadFrom", "Reset", "Flush"];
    let has_all = noted.iter().all(|name| writer.methods.iter().any(|method| method == name));
    Ok(Seen::holds(has_all && writer.size == 4096 && writer.got == writer.asked_for, seen(&writer)))
}

#[derive(Serialize, Deserialize)]
struct Flushed {
    buffer: usize,
    write: usize,
    went_on: Vec<usize>,
    went_on_by_flush: Vec<usize>,
    kept: usize,
    flush_to_a_full_device: String,
    fails_there: bool,
}

/// Or it fails.
fn flush_writes_all() -> anyhow::Result<Seen> {
    let flush: Flushed = record()?;
    let all = flush.went_on_by_flush == [flush.write] && flush.kept == 0;
    Ok(Seen::imprecise(all, flush.fails_there, seen(&flush)))
}

/// More than the default buffer holds, and nothing goes on before Flush.
fn a_size_of_ones_own() -> anyhow::Result<Seen> {
    let flush: Flushed = record()?;
    let helps = flush.write > 4096 && flush.buffer > flush.write && flush.went_on.is_empty();
    Ok(Seen::holds(helps, seen(&flush)))
}

#[derive(Serialize, Deserialize)]
struct Large {
    buffer: usize,
    buffered: usize,
    write: usize,
    went_on: Vec<usize>,
    kept: usize,
}

/// Of what fits into the buffer nothing goes on.
fn larger_than_the_buffer() -> anyhow::Result<Seen> {
    let writes: Vec<Large> = records()?;
    let goes_on = |write: &Large| write.went_on.iter().sum::<usize>() > write.buffered;
    let (large, small): (Vec<_>, Vec<_>) = writes.iter().partition(|write| write.write > write.buffer);
    let fits = |write: &Large| write.buffered + write.write <= write.buffer;
    let kept = small.iter().filter(|write| fits(write)).all(|write| write.kept == write.buffered + write.write);
    let as_noted = !large.is_empty() && large.iter().all(|write| goes_on(write));
    Ok(Seen::holds(as_noted && kept, joined(writes.iter().map(seen), "; ")))
}
