//! A gate where processes gather, to start at one time.
//!
//! Note: 关于同步. Go: a closed channel. Man: pipe(7).

use std::io::{self, PipeReader, PipeWriter, Read, Write};

use anyhow::Context;

/// A pipe: it holds nothing until the gate opens, then a byte for each.
#[derive(Debug)]
pub struct Gate {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> anyhow::Result<Gate> {
        let (reader, writer) = io::pipe().context("pipe")?;
        Ok(Gate { reader, writer })
    }

    /// Waits until the gate opens.
    pub fn pass(&self) -> io::Result<()> {
        (&self.reader).read_exact(&mut [0])
    }

    /// Lets `count` processes pass.
    pub fn open(&self, count: usize) -> anyhow::Result<()> {
        (&self.writer).write_all(&vec![0; count]).context("open the gate")
    }
}
