//! What a read and a write of the pipe in memory come to, in a record.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::memory_pipe::closed::{Closed, CutOff};
use crate::memory_pipe::pipe::{PipeReader, PipeWriter};

/// The bytes of one read, or why there are none.
#[derive(Debug)]
pub enum Read {
    Got(String),
    Closed(Closed),
}

/// All was written, or not.
#[derive(Debug)]
pub enum Written {
    All,
    CutOff(CutOff),
}

pub fn read(reader: &PipeReader, size: usize) -> Read {
    let mut buffer = vec![0; size];
    match reader.read(&mut buffer) {
        Ok(count) => Read::Got(String::from_utf8_lossy(&buffer[..count]).into_owned()),
        Err(closed) => Read::Closed(closed),
    }
}

pub fn write(writer: &PipeWriter, text: &str) -> Written {
    writer.write(text.as_bytes()).map_or_else(Written::CutOff, |()| Written::All)
}

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Read::Got(text) => f.write_str(text),
            Read::Closed(closed) => write!(f, "error: {closed}"),
        }
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Written::All => f.write_str("all written"),
            Written::CutOff(CutOff { taken, cause }) => write!(f, "{taken} bytes written, error: {cause}"),
        }
    }
}

impl Serialize for Read {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
