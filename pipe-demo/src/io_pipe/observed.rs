//! What a read and a write of the pipe in memory come to, in a record.

use std::fmt;

use serde::{Serialize, Serializer};
use shared::linux::answer::Error;

use crate::memory_pipe::pipe::{Closed, CutOff, PipeReader, PipeWriter};

/// The bytes of one read, or why there are none.
#[derive(Debug)]
pub enum Read {
    Got(String),
    Closed(Closed),
}

/// All was written, or not.
#[derive(Debug)]
pub enum Written {
    All(usize),
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
    writer.write(text.as_bytes()).map_or_else(Written::CutOff, |()| Written::All(text.len()))
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
            Written::All(count) => write!(f, "{count} bytes written"),
            Written::CutOff(CutOff { taken, cause }) => write!(f, "{taken} bytes written, error: {cause}"),
        }
    }
}

impl Serialize for Read {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Read::Got(text) => text.serialize(serializer),
            Read::Closed(error) => Error { error }.serialize(serializer),
        }
    }
}

/// As Go has it: how many bytes, and an error.
impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Written::All(taken) => Taken { taken: *taken, error: None }.serialize(serializer),
            Written::CutOff(CutOff { taken, cause }) => {
                Taken { taken: *taken, error: Some(Error { error: cause }) }.serialize(serializer)
            }
        }
    }
}

#[derive(Serialize)]
struct Taken<'a> {
    taken: usize,
    #[serde(flatten)]
    error: Option<Error<&'a Closed>>,
}
