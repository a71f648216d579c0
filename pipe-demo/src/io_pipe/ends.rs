//! What the ends of the pipe in memory cannot do, as the compiler sees it.
//!
//! Note: 管道 ("只能使用Read方法", "只能使用Write方法"). Go: `io.PipeReader`, `io.PipeWriter`.

use std::fmt;
use std::io::{Read, Write};
use std::marker::PhantomData;

use crate::memory_pipe::{PipeReader, PipeWriter};

/// What an end can do.
#[derive(PartialEq, Eq)]
pub struct Can {
    pub read: bool,
    pub write: bool,
}

impl fmt::Display for Can {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.read, self.write) {
            (true, true) => "reads and writes",
            (true, false) => "only reads",
            (false, true) => "only writes",
            (false, false) => "can do nothing",
        })
    }
}

pub const READER: Can = Can { read: Probe::<&PipeReader>::READS, write: Probe::<&PipeReader>::WRITES };
pub const WRITER: Can = Can { read: Probe::<&PipeWriter>::READS, write: Probe::<&PipeWriter>::WRITES };

/// Tells whether a type implements a trait: if so it has the constant itself, and that goes before [`Otherwise`]'s.
struct Probe<T>(PhantomData<T>);

impl<T: Read> Probe<T> {
    const READS: bool = true;
}

impl<T: Write> Probe<T> {
    const WRITES: bool = true;
}

trait Otherwise {
    const READS: bool = false;
    const WRITES: bool = false;
}

impl<T> Otherwise for Probe<T> {}
