//! The ends of the pipe in memory as the standard library's streams.
//!
//! Note: 管道 ("内存管道"). Go: `io.Reader`, `io.Writer`.

use std::io::{self, ErrorKind, Read, Write};

use super::pipe::{Closed, CutOff, PipeReader, PipeWriter};

/// As a stream: the end is `Ok(0)`, so a write of no bytes is passed over.
impl Read for &PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match PipeReader::read(self, buffer) {
                Ok(0) if !buffer.is_empty() => {}
                Ok(count) => return Ok(count),
                Err(Closed::Eof) => return Ok(0),
                Err(closed) => return Err(io::Error::other(closed)),
            }
        }
    }
}

/// As a stream: bytes that were taken before the reader closed are written, the next write fails.
impl Write for &PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match PipeWriter::write(self, bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(CutOff { taken, .. }) if taken > 0 => Ok(taken),
            Err(CutOff { cause: Closed::Pipe, .. }) => Err(io::Error::new(ErrorKind::BrokenPipe, Closed::Pipe)),
            Err(CutOff { cause, .. }) => Err(io::Error::other(cause)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
