//! What the ends of the pipe in memory cannot do, as the compiler sees it.
//!
//! Note: 管道 ("只能使用Read方法", "只能使用Write方法"). Go: `io.PipeReader`, `io.PipeWriter`.

use std::io::{Read, Write};
use std::marker::PhantomData;

use serde::Serialize;

use crate::memory_pipe::pipe::{PipeReader, PipeWriter};

/// What each end can do.
#[derive(Serialize)]
pub struct Ends {
    pub reader_reads: bool,
    pub reader_writes: bool,
    pub writer_reads: bool,
    pub writer_writes: bool,
}

pub const BOTH: Ends = Ends {
    reader_reads: Probe::<&PipeReader>::READS,
    reader_writes: Probe::<&PipeReader>::WRITES,
    writer_reads: Probe::<&PipeWriter>::READS,
    writer_writes: Probe::<&PipeWriter>::WRITES,
};

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
