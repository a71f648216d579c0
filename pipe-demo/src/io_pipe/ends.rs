//! What the ends of the pipe in memory cannot do, as the compiler sees it.
//!
//! Note: 管道 ("只能使用Read方法", "只能使用Write方法"). Go: `io.PipeReader`, `io.PipeWriter`.

use std::io::{Read, Write};
use std::marker::PhantomData;

use super::pipe::{PipeReader, PipeWriter};

/// What an end can do.
#[derive(Debug, PartialEq, Eq)]
pub struct Can {
    pub read: bool,
    pub write: bool,
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
