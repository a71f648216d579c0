//! 管道, where it speaks of Go: docs/go is asked, where there is Go.

use serde::{Deserialize, Serialize};
use shared::harness::claims::go::{record, records};
use shared::harness::claims::{Check, Seen, joined, seen};

pub const CHECKS: &[Check] = &[
    (76, start_then_stdout_pipe),
    (77, kinds_of_ends),
    (83, listings_compile),
    (82, false_while_the_line_goes_on),
    (84, what_is_buffered),
    (86, all_of_it_is_there),
    (96, from_os_pipe),
    (97, closed_by_start_and_wait),
    (197, by_sync),
    (198, costs_less),
];

#[derive(Serialize, Deserialize)]
struct Started {
    stdout_pipe_after_start: String,
    refused: bool,
    /// Empty if that is no error.
    #[serde(default)]
    stdout_pipe_before_start: String,
    output: String,
}

fn start_then_stdout_pipe() -> anyhow::Result<Seen> {
    let started: Started = record()?;
    let other_order_works = started.stdout_pipe_before_start.is_empty() && !started.output.is_empty();
    Ok(Seen::refuted(started.refused && other_order_works, seen(&started)))
}

#[derive(Serialize, Deserialize)]
struct Interfaces {
    stdout_pipe: String,
    stdin_pipe: String,
}

fn kinds_of_ends() -> anyhow::Result<Seen> {
    let types: Interfaces = record()?;
    let as_noted = types.stdout_pipe == "io.ReadCloser" && types.stdin_pipe == "io.WriteCloser";
    Ok(Seen::holds(as_noted, seen(&types)))
}

#[derive(Serialize, Deserialize)]
struct Compiled {
    listing: String,
    compiles: bool,
    error: String,
    compiles_mended: bool,
}

/// The note's three mistakes in listings of ours: mended, each compiles.
fn listings_compile() -> anyhow::Result<Seen> {
    let listings: Vec<Compiled> = records()?;
    let by_the_mistake = |listing: &Compiled| !listing.compiles && listing.compiles_mended;
    let evidence = listings.iter().map(|listing| format!("{}: {}", listing.listing, listing.error));
    let all_fail = listings.len() == 3 && listings.iter().all(by_the_mistake);
    Ok(Seen::refuted(all_fail, joined(evidence, "; ")))
}

#[derive(Serialize, Deserialize)]
struct Long {
    buffer: usize,
    line: usize,
    pieces: Vec<usize>,
    is_prefix: Vec<bool>,
}

fn false_while_the_line_goes_on() -> anyhow::Result<Seen> {
    let line: Long = record()?;
    let whole = line.pieces.iter().sum::<usize>() == line.line;
    let otherwise = line
        .is_prefix
        .split_last()
        .is_some_and(|(last, before)| !last && !before.is_empty() && before.iter().all(|goes_on| *goes_on));
    Ok(Seen::refuted(whole && otherwise, seen(&line)))
}

#[derive(Serialize, Deserialize)]
struct WriteTo {
    source: usize,
    buffered: usize,
    written: usize,
}

fn what_is_buffered() -> anyhow::Result<Seen> {
    let write: WriteTo = record()?;
    let to_the_end = write.written == write.source && write.source > write.buffered;
    Ok(Seen::imprecise(write.written >= write.buffered, to_the_end, seen(&write)))
}

#[derive(Serialize, Deserialize)]
struct Waited {
    stdout: String,
    returned_while_a_grandchild_has_it: bool,
    output: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read_after_wait: Option<String>,
}

/// With a buffer Wait waits for more than the command; of StdoutPipe it closes what has not been read.
fn all_of_it_is_there() -> anyhow::Result<Seen> {
    let waits: Vec<Waited> = records()?;
    let [buffer, pipe] = &waits[..] else { anyhow::bail!("{} records of Wait", waits.len()) };
    let as_noted = !buffer.returned_while_a_grandchild_has_it && !buffer.output.is_empty();
    let exception = pipe.returned_while_a_grandchild_has_it && pipe.output.is_empty();
    Ok(Seen::imprecise(as_noted, exception, joined(waits.iter().map(seen), "; ")))
}

#[derive(Serialize, Deserialize)]
struct Sources {
    os_pipe: [String; 2],
    stdout_pipe: String,
    stdin_pipe: String,
    both_are_pipes_of_the_kernel: bool,
}

fn from_os_pipe() -> anyhow::Result<Seen> {
    let sources: Sources = record()?;
    let [reader, writer] = &sources.os_pipe;
    let same = sources.stdout_pipe == *reader && sources.stdin_pipe == *writer;
    Ok(Seen::holds(same && sources.both_are_pipes_of_the_kernel, seen(&sources)))
}

#[derive(Serialize, Deserialize)]
struct Open {
    ends_before_start: u32,
    ends_after_start: u32,
    ends_after_wait: u32,
    write_after_wait: String,
    read_after_wait: String,
    both_closed: bool,
}

fn closed_by_start_and_wait() -> anyhow::Result<Seen> {
    let ends: Open = record()?;
    let open = [ends.ends_before_start, ends.ends_after_start, ends.ends_after_wait];
    Ok(Seen::holds(open == [4, 2, 0] && ends.both_closed, seen(&ends)))
}

#[derive(Serialize, Deserialize)]
struct FieldsOf {
    of: String,
    fields_of_package_sync: Vec<String>,
}

fn by_sync() -> anyhow::Result<Seen> {
    let pipe: FieldsOf = record()?;
    let has_a_lock = pipe.fields_of_package_sync.iter().any(|field| field == "sync.Mutex");
    Ok(Seen::holds(has_a_lock, seen(&pipe)))
}

#[derive(Serialize, Deserialize)]
struct Cost {
    size: usize,
    messages: u32,
    io_pipe_us: f64,
    os_pipe_us: f64,
    io_pipe_cpu_us: f64,
    os_pipe_cpu_us: f64,
}

/// By the CPU's time: that on the clock is also that of neighbours.
fn costs_less() -> anyhow::Result<Seen> {
    let costs: Vec<Cost> = records()?;
    let less =
        costs.iter().max_by_key(|cost| cost.size).is_some_and(|large| large.io_pipe_cpu_us < large.os_pipe_cpu_us);
    Ok(Seen::holds(less, joined(costs.iter().map(seen), "; ")))
}
