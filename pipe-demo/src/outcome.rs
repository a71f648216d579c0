//! What a system call came to, of those that an experiment asks.
//!
//! Man: errno(3).

use std::fmt;
use std::io;

use nix::errno::Errno;
use serde::{Serialize, Serializer};
use shared::linux::answer::answer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It moved this many bytes.
    Done(usize),
    /// A read of no bytes: no writer is left.
    End,
    Failed(Errno),
}

impl Outcome {
    /// Of a call. What any call can fail for, such as a lack of memory, is no outcome but an error.
    pub fn of<N: TryInto<usize>>(result: Result<N, impl Into<io::Error>>) -> io::Result<Outcome> {
        match result.map_err(Into::into) {
            Ok(count) => Ok(Outcome::Done(count.try_into().unwrap_or_default())),
            Err(error) => answer(&error).map(Outcome::Failed).ok_or(error),
        }
    }

    /// Of a read into a buffer that has room.
    pub fn of_read(result: io::Result<usize>) -> io::Result<Outcome> {
        if let Ok(0) = result { Ok(Outcome::End) } else { Outcome::of(result) }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Done(count) => write!(f, "{count} bytes"),
            Outcome::End => f.write_str("0 bytes: the end"),
            Outcome::Failed(errno) => write!(f, "{errno:?}"),
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
