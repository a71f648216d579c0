//! A pipe in memory, without a buffer: what it promises, seen.
//!
//! Note: 管道 ("内存管道"). Go: `io.Pipe`, `CloseWithError`.

mod copies;
mod ends;

use std::num::NonZeroUsize;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

use anyhow::anyhow;
use shared::harness::claims::{Check, Seen};
use shared::harness::report::Report;
use shared::linux::sleeper;
use shared::linux::thread::spawn_scoped;

use ends::{Can, READER, WRITER};

use crate::atomicity::{self, Load};
use crate::capacity;
use crate::memory_pipe::{CutOff, PipeReader, PipeWriter, pipe};
use crate::step::{Step, told};
use shared::harness::story;
use shared::linux::child::Children;

#[derive(clap::Args)]
pub struct Args {
    /// Close each end with this error, for the other to get
    #[arg(long, value_name = "TEXT")]
    close_with_error: Option<String>,
    /// Give up then
    #[arg(long, value_parser = shared::harness::duration::parse, default_value = "30s")]
    timeout: Duration,
}

pub const CHECKS: &[Check] = &[(100, atomic), (101, restricted_ends), (102, concurrent_ends), (103, copied_once)];

pub fn run(args: &Args, mut out: Report) -> anyhow::Result<()> {
    let text = args.close_with_error.clone();
    story::tell(args.timeout, &Children::helpers(), move |_| {
        let text = text.as_deref();
        let mut say = |step: Step| out.pairs(&step);
        say(a_write_and_two_reads()?)?;
        say(two_writes()?)?;
        say(a_write_of_nothing()?)?;
        say(two_readers_of_one_write()?)?;
        say(alone()?)?;
        say(after_the_writer(text)?)?;
        say(cut_off(text)?)?;
        say(read_after_own_close())?;
        say(many_writers()?)
    })
}

/// Does something with a new pipe, and closes it: a thread may still wait in it when the rest could not be done.
fn with_a_pipe(
    step: &'static str,
    experiment: impl for<'scope> FnOnce(
        &'scope Scope<'scope, '_>,
        &'scope PipeReader,
        &'scope PipeWriter,
    ) -> anyhow::Result<String>,
) -> anyhow::Result<Step> {
    let (reader, writer) = pipe();
    let result = thread::scope(|scope| {
        let result = experiment(scope, &reader, &writer);
        reader.close();
        writer.close();
        result
    })?;
    Ok(Step::new(step, result))
}

fn a_write_and_two_reads() -> anyhow::Result<Step> {
    with_a_pipe("write abcdef, read up to 4 bytes, read up to 4 bytes", |scope, reader, writer| {
        let (writing, task) = sleeper::spawn(scope, || shown_write(writer.write(b"abcdef")))?;
        let first = read(reader, 4);
        let meanwhile = if task.sleeps()? { "the write waits" } else { "the write has returned" };
        let second = read(reader, 4);
        Ok(format!("{first}; {meanwhile}; {second}; the write returns: {}", joined(writing)?))
    })
}

fn two_writes() -> anyhow::Result<Step> {
    with_a_pipe("write a, write b, read up to 10 bytes, read up to 10 bytes", |scope, reader, writer| {
        let writing = spawn_scoped(scope, || ["a", "b"].map(|text| shown_write(writer.write(text.as_bytes()))))?;
        let result = format!("{}; {}", read(reader, 10), read(reader, 10));
        joined(writing)?;
        Ok(result)
    })
}

fn a_write_of_nothing() -> anyhow::Result<Step> {
    with_a_pipe("write no bytes, read up to 10 bytes", |scope, reader, writer| {
        let writing = spawn_scoped(scope, || shown_write(writer.write(b"")))?;
        Ok(format!("{}; the write returns: {}", read(reader, 10), joined(writing)?))
    })
}

/// Which of them gets which half is not said.
fn two_readers_of_one_write() -> anyhow::Result<Step> {
    with_a_pipe("two readers of up to 5 bytes, write 10 bytes", |scope, reader, writer| {
        let (first, first_task) = sleeper::spawn(scope, || read(reader, 5))?;
        let (second, second_task) = sleeper::spawn(scope, || read(reader, 5))?;
        let both_wait = first_task.sleeps()? && second_task.sleeps()?;
        let written = shown_write(writer.write(b"abcdefghij"));
        let mut halves = [joined(first)?, joined(second)?];
        halves.sort();
        let waiting = if both_wait { "both wait" } else { "one did not wait" };
        Ok(format!("{waiting}; the write returns: {written}; they got {} and {}", halves[0], halves[1]))
    })
}

/// A thread that writes before it reads would wait for itself; another takes pity on it.
fn alone() -> anyhow::Result<Step> {
    with_a_pipe("write a, read it afterwards", |scope, reader, writer| {
        let (writing, task) = sleeper::spawn(scope, || shown_write(writer.write(b"a")))?;
        let meanwhile = if task.sleeps()? { "the write waits" } else { "the write has returned" };
        reader.close();
        Ok(format!("{meanwhile}; close the reader: {}", joined(writing)?))
    })
}

fn after_the_writer(text: Option<&str>) -> anyhow::Result<Step> {
    with_a_pipe("close the writer, read", |scope, reader, writer| {
        let (reading, task) = sleeper::spawn(scope, || read(reader, 10))?;
        task.sleeps()?; // Or not: it gets the same.
        match text {
            Some(text) => writer.close_with_error(text),
            None => writer.close(),
        }
        joined(reading)
    })
}

fn cut_off(text: Option<&str>) -> anyhow::Result<Step> {
    with_a_pipe("write 9 bytes, read 4, close the reader", |scope, reader, writer| {
        let writing = spawn_scoped(scope, || shown_write(writer.write(b"123456789")))?;
        read(reader, 4);
        match text {
            Some(text) => reader.close_with_error(text),
            None => reader.close(),
        }
        joined(writing)
    })
}

fn read_after_own_close() -> Step {
    let (reader, _writer) = pipe();
    reader.close();
    Step::new("close the reader, read from it", read(&reader, 10))
}

fn many_writers() -> anyhow::Result<Step> {
    let load = Load { writers: 4, size: NonZeroUsize::new(100_000).unwrap_or(NonZeroUsize::MIN), messages: 10 };
    let torn = atomicity::through_memory(load)?;
    Ok(Step::new("4 writers, 10 writes of 100000 bytes each", format!("{torn} torn")))
}

fn atomic() -> anyhow::Result<Seen> {
    let (writers, readers) = (many_writers()?, two_readers_of_one_write()?);
    let split = readers.result.ends_with("all written; they got abcde and fghij");
    let evidence = format!("{}; 10 bytes for two readers: {}", told([&writers]), readers.result);
    Ok(Seen::imprecise(writers.result == "0 torn", split, evidence))
}

fn restricted_ends() -> anyhow::Result<Seen> {
    let steps = [after_the_writer(None)?, cut_off(None)?, after_the_writer(Some("enough"))?, cut_off(Some("enough"))?];
    let results = steps.each_ref().map(|step| step.result.replace("error: ", ""));
    let errors = ["EOF", "4 bytes written, io: read/write on closed pipe", "enough", "4 bytes written, enough"];
    let restricted = (READER, WRITER) == (Can { read: true, write: false }, Can { read: false, write: true });
    let evidence = format!("the reader {READER}, the writer {WRITER}; closed: {}", results.join("; "));
    Ok(Seen::holds(restricted && results == errors, evidence))
}

fn concurrent_ends() -> anyhow::Result<Seen> {
    let alone = alone()?;
    let of_the_kernel = capacity::write_and_read_alone()?;
    let evidence = format!("in memory: {}; os.Pipe: {of_the_kernel} B written and read by one thread", alone.result);
    Ok(Seen::imprecise(alone.result.starts_with("the write waits"), of_the_kernel > 0, evidence))
}

fn copied_once() -> anyhow::Result<Seen> {
    let waits = a_write_and_two_reads()?;
    let (memory, kernel) = (copies::in_memory()?, copies::in_the_kernel()?);
    let unbuffered = waits.result == "abcd; the write waits; ef; the write returns: all written";
    let once = memory.is_by_reader_only() && !kernel.is_by_reader_only();
    let as_noted = unbuffered && once && memory.descriptors == 0;
    Ok(Seen::holds(as_noted, format!("of abcdef read: {}; in memory {memory}; os.Pipe {kernel}", waits.result)))
}

fn read(reader: &PipeReader, size: usize) -> String {
    let mut buffer = vec![0; size];
    match reader.read(&mut buffer) {
        Ok(0) => "no bytes".into(),
        Ok(count) => String::from_utf8_lossy(&buffer[..count]).into_owned(),
        Err(closed) => format!("error: {closed}"),
    }
}

fn shown_write(result: Result<(), CutOff>) -> String {
    match result {
        Ok(()) => "all written".into(),
        Err(CutOff { taken, cause }) => format!("{taken} bytes written, error: {cause}"),
    }
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> anyhow::Result<T> {
    thread.join().map_err(|_| anyhow!("a thread panicked"))
}
