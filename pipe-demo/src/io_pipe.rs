//! A pipe in memory, without a buffer: what it promises, seen.
//!
//! Note: 管道 ("内存管道"). Go: `io.Pipe`, `CloseWithError`.

#[cfg(all(test, loom))]
mod models;
mod pipe;
mod stream;
mod sync;
#[cfg(all(test, not(loom)))]
mod tests;

use std::num::NonZeroUsize;
use std::thread;

use serde::Serialize;
use shared::report::Report;

use pipe::CutOff;
pub use pipe::{PipeReader, PipeWriter, pipe};

use crate::atomicity::{self, Load};

#[derive(clap::Args)]
pub struct Args {
    /// Close each end with this error, for the other to get
    #[arg(long, value_name = "TEXT")]
    close_with_error: Option<String>,
}

#[derive(Serialize)]
struct Seen {
    step: &'static str,
    result: String,
}

pub fn run(args: &Args, mut out: Report) -> anyhow::Result<()> {
    let text = args.close_with_error.as_deref();
    let mut say = |step, result| out.pairs(&Seen { step, result });
    say("write abcdef, read up to 4 bytes, read up to 4 bytes", a_write_and_two_reads())?;
    say("write a, write b, read up to 10 bytes, read up to 10 bytes", two_writes())?;
    say("write no bytes, read up to 10 bytes", a_write_of_nothing())?;
    say("close the writer, read", read_after(|writer| close_writer(writer, text)))?;
    say("write 9 bytes, read 4, close the reader", cut_off(text))?;
    say("close the reader, read from it", read_after_own_close())?;
    let load = Load { writers: 4, size: NonZeroUsize::new(100_000).unwrap_or(NonZeroUsize::MIN), messages: 50 };
    let torn = atomicity::through_memory(load)?;
    say("4 writers, 50 writes of 100000 bytes each", format!("{torn} torn"))
}

fn a_write_and_two_reads() -> String {
    let (reader, writer) = pipe();
    thread::scope(|scope| {
        let writing = scope.spawn(|| shown_write(writer.write(b"abcdef")));
        let first = read(&reader, 4);
        let meanwhile = if writing.is_finished() { "the write has returned" } else { "the write waits" };
        format!("{first}; {meanwhile}; {}; the write returns: {}", read(&reader, 4), joined(writing))
    })
}

fn two_writes() -> String {
    let (reader, writer) = pipe();
    thread::scope(|scope| {
        scope.spawn(|| ["a", "b"].map(|text| writer.write(text.as_bytes()).is_ok()));
        format!("{}; {}", read(&reader, 10), read(&reader, 10))
    })
}

fn a_write_of_nothing() -> String {
    let (reader, writer) = pipe();
    thread::scope(|scope| {
        let writing = scope.spawn(|| shown_write(writer.write(b"")));
        format!("{}; the write returns: {}", read(&reader, 10), joined(writing))
    })
}

fn close_writer(writer: &PipeWriter, text: Option<&str>) {
    match text {
        Some(text) => writer.close_with_error(text),
        None => writer.close(),
    }
}

/// The reader waits already, or not yet: it gets the same.
fn read_after(close: impl FnOnce(&PipeWriter)) -> String {
    let (reader, writer) = pipe();
    thread::scope(|scope| {
        let reading = scope.spawn(|| read(&reader, 10));
        close(&writer);
        joined(reading)
    })
}

fn cut_off(text: Option<&str>) -> String {
    let (reader, writer) = pipe();
    thread::scope(|scope| {
        let writing = scope.spawn(|| shown_write(writer.write(b"123456789")));
        read(&reader, 4);
        match text {
            Some(text) => reader.close_with_error(text),
            None => reader.close(),
        }
        joined(writing)
    })
}

fn read_after_own_close() -> String {
    let (reader, _writer) = pipe();
    reader.close();
    read(&reader, 10)
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

fn joined(thread: thread::ScopedJoinHandle<'_, String>) -> String {
    thread.join().unwrap_or_else(|_| "a thread panicked".into())
}
