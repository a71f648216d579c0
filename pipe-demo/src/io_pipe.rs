//! A pipe in memory keeps its promises, which are those of Go's `io.Pipe`:
//!
//! 1. A write returns when readers have taken all its bytes, or when an end was closed.
//! 2. A read takes from one write: two writes never meet in one read, a long write may take many reads.
//! 3. Writers take turns: the bytes of a write are never mixed with another's (`atomicity --via io-pipe`).
//! 4. A write of no bytes waits for a read too, which gets none; a read into no bytes takes none.
//! 5. Once the writer is closed readers get the end, or the error it was closed with.
//! 6. Once the reader is closed writers get [`Closed::Pipe`], or the error it was closed with, and the
//!    count of what was taken.
//! 7. On an end that was closed itself, and when both were closed with errors: [`Closed::Pipe`].
//! 8. The first close of an end counts, and closing never fails. Dropping an end closes it.
//! 9. A close wakes all who wait.
//!
//! Note: 管道 ("内存管道"). Go: `io.Pipe`, `CloseWithError`. Man: getrusage(2) at RUSAGE_THREAD.
//!
//! [`Closed::Pipe`]: crate::memory_pipe::pipe::Closed::Pipe

pub mod copies;
pub mod ends;
pub mod observed;

use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

use anyhow::anyhow;
use serde::Serialize;
use shared::harness::report::Report;
use shared::harness::story;
use shared::linux::child::Children;
use shared::linux::sleeper;
use shared::linux::thread::spawn_scoped;

use crate::memory_pipe::pipe::{PipeReader, PipeWriter, pipe};
use observed::{Read, Written, read, write};

#[derive(clap::Args)]
pub struct Args {
    /// Close each end with this error, for the other to get
    #[arg(long, value_name = "TEXT")]
    close_with_error: Option<String>,
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", value_parser = shared::harness::duration::limit, default_value = "30s")]
    timeout: Duration,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let (text, mut out) = (args.close_with_error.clone(), out.for_thread());
    story::tell(args.timeout, &Children::helpers(), move |_| {
        let text = text.as_deref();
        out.pairs(&a_write_and_two_reads()?)?;
        out.pairs(&two_writes()?)?;
        out.pairs(&a_write_of_nothing()?)?;
        out.pairs(&two_readers_of_one_write()?)?;
        out.pairs(&alone()?)?;
        let got = Some(after_the_writer(text)?);
        out.pairs(&Ended { step: "close the writer, read", got, write: None })?;
        let write = Some(cut_off(text)?);
        out.pairs(&Ended { step: "write 9 bytes, read 4, close the reader", got: None, write })?;
        let got = Some(read_after_own_close());
        out.pairs(&Ended { step: "close the reader, read from it", got, write: None })?;
        out.pairs(&ends::BOTH)?;
        out.pairs(&copies::in_memory()?)?;
        out.pairs(&copies::in_the_kernel()?)
    })
}

#[derive(Serialize)]
pub struct TwoReads {
    step: &'static str,
    pub first_got: Read,
    pub write_waits: bool,
    pub second_got: Read,
    pub write: Written,
}

pub fn a_write_and_two_reads() -> anyhow::Result<TwoReads> {
    with_a_pipe(|scope, reader, writer| {
        let (writing, task) = sleeper::spawn(scope, || write(writer, "abcdef"))?;
        let first_got = read(reader, 4);
        let write_waits = task.sleeps()?;
        let second_got = read(reader, 4);
        let step = "write abcdef, read up to 4 bytes, read up to 4 bytes";
        Ok(TwoReads { step, first_got, write_waits, second_got, write: joined(writing)? })
    })
}

#[derive(Serialize)]
pub struct TwoWrites {
    step: &'static str,
    pub first_got: Read,
    pub second_got: Read,
}

fn two_writes() -> anyhow::Result<TwoWrites> {
    with_a_pipe(|scope, reader, writer| {
        let writing = spawn_scoped(scope, || ["a", "b"].map(|text| write(writer, text)))?;
        let (first_got, second_got) = (read(reader, 10), read(reader, 10));
        joined(writing)?;
        Ok(TwoWrites { step: "write a, write b, read up to 10 bytes, read up to 10 bytes", first_got, second_got })
    })
}

/// What a read and a write came to.
#[derive(Serialize)]
struct Ended {
    step: &'static str,
    got: Option<Read>,
    write: Option<Written>,
}

fn a_write_of_nothing() -> anyhow::Result<Ended> {
    with_a_pipe(|scope, reader, writer| {
        let writing = spawn_scoped(scope, || write(writer, ""))?;
        let got = Some(read(reader, 10));
        Ok(Ended { step: "write no bytes, read up to 10 bytes", got, write: Some(joined(writing)?) })
    })
}

#[derive(Serialize)]
pub struct TwoReaders {
    step: &'static str,
    pub both_wait: bool,
    pub write: Written,
    pub first_got: Read,
    pub second_got: Read,
}

/// Which of them gets which half is not said.
pub fn two_readers_of_one_write() -> anyhow::Result<TwoReaders> {
    with_a_pipe(|scope, reader, writer| {
        let (first, first_task) = sleeper::spawn(scope, || read(reader, 5))?;
        let (second, second_task) = sleeper::spawn(scope, || read(reader, 5))?;
        let both_wait = first_task.sleeps()? && second_task.sleeps()?;
        let write = write(writer, "abcdefghij");
        let mut got = [joined(first)?, joined(second)?];
        got.sort_by_key(ToString::to_string);
        let [first_got, second_got] = got;
        let step = "two readers of up to 5 bytes, write 10 bytes";
        Ok(TwoReaders { step, both_wait, write, first_got, second_got })
    })
}

#[derive(Serialize)]
pub struct Alone {
    step: &'static str,
    pub write_waits: bool,
    pub write: Written,
}

/// A thread that writes before it reads would wait for itself; here another one closes the reader.
pub fn alone() -> anyhow::Result<Alone> {
    with_a_pipe(|scope, reader, writer| {
        let (writing, task) = sleeper::spawn(scope, || write(writer, "a"))?;
        let write_waits = task.sleeps()?;
        reader.close();
        Ok(Alone { step: "write a, close the reader", write_waits, write: joined(writing)? })
    })
}

pub fn after_the_writer(text: Option<&str>) -> anyhow::Result<Read> {
    with_a_pipe(|scope, reader, writer| {
        let (reading, task) = sleeper::spawn(scope, || read(reader, 10))?;
        task.sleeps()?; // Or not: it gets the same.
        text.map_or_else(|| writer.close(), |text| writer.close_with_error(text));
        joined(reading)
    })
}

pub fn cut_off(text: Option<&str>) -> anyhow::Result<Written> {
    with_a_pipe(|scope, reader, writer| {
        let writing = spawn_scoped(scope, || write(writer, "123456789"))?;
        read(reader, 4);
        text.map_or_else(|| reader.close(), |text| reader.close_with_error(text));
        joined(writing)
    })
}

fn read_after_own_close() -> Read {
    let (reader, _writer) = pipe();
    reader.close();
    read(&reader, 10)
}

/// Does something with a new pipe, and closes it: a thread may still wait in it when the rest could not be done.
fn with_a_pipe<T>(
    experiment: impl for<'scope> FnOnce(
        &'scope Scope<'scope, '_>,
        &'scope PipeReader,
        &'scope PipeWriter,
    ) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (reader, writer) = pipe();
    thread::scope(|scope| {
        let result = experiment(scope, &reader, &writer);
        reader.close();
        writer.close();
        result
    })
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> anyhow::Result<T> {
    thread.join().map_err(|_| anyhow!("a thread panicked"))
}
