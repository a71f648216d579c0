//! What a buffered writer passes on at once, and what stays with it.
//!
//! Note: Write方法 (bufio). Go: `bufio.NewWriterSize`, `bufio.Writer.ReadFrom`, `Reset`. Man: send(2).

use std::io::{self, BufWriter, Write};

use anyhow::Context;

use crate::experiment::record;

/// Go's buffer, unless NewWriterSize is told another size, and Rust's.
const BUFIO: usize = 4096;
const STD: usize = 8192;

// What went on, write by write, and what is unsent in the end: Go's Reset forgets it, `into_parts` gives it back.
record!("writer", Wrote { by: &'static str, capacity: usize, written: u64, went_on: Vec<usize>, unsent: usize });

/// More than the buffer holds goes past it; a larger buffer keeps it; and a copy goes through it.
pub fn what_goes_on() -> anyhow::Result<[Wrote; 3]> {
    let write = |writer: &mut BufWriter<Calls>| writer.write_all(&[0; 5000]).map(|()| 5000);
    let read_from = |writer: &mut BufWriter<Calls>| io::copy(&mut io::Read::take(io::repeat(0), 10_000), writer);
    Ok([wrote("write_all", BUFIO, write)?, wrote("write_all", STD, write)?, wrote("io::copy", STD, read_from)?])
}

fn wrote(
    by: &'static str,
    capacity: usize,
    write: impl Fn(&mut BufWriter<Calls>) -> io::Result<u64>,
) -> anyhow::Result<Wrote> {
    let mut writer = BufWriter::with_capacity(capacity, Calls(Vec::new()));
    let written = write(&mut writer).context("write")?;
    let (Calls(went_on), unsent) = writer.into_parts();
    Ok(Wrote { by, capacity, written, went_on, unsent: unsent.map_or(0, |bytes| bytes.len()) })
}

/// Notes how many bytes each write brings.
struct Calls(Vec<usize>);

impl Write for Calls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
