//! What the ends of the pipe in memory cannot do, as the compiler sees it.
//!
//! Note: 管道 ("只能使用Read方法", "只能使用Write方法"). Go: `io.PipeReader`, `io.PipeWriter`.

use std::io::{Read, Write};
use std::marker::PhantomData;

use serde::Serialize;

use crate::memory_pipe::pipe::{PipeReader, PipeWriter};

/// What an end can do.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Can {
    Read,
    Write,
    Both,
    Neither,
}

#[derive(Serialize)]
pub struct Ends {
    pub reader: Can,
    pub writer: Can,
}

pub const BOTH: Ends = Ends {
    reader: can(Probe::<&PipeReader>::READS, Probe::<&PipeReader>::WRITES),
    writer: can(Probe::<&PipeWriter>::READS, Probe::<&PipeWriter>::WRITES),
};

const fn can(read: bool, write: bool) -> Can {
    match (read, write) {
        (true, true) => Can::Both,
        (true, false) => Can::Read,
        (false, true) => Can::Write,
        (false, false) => Can::Neither,
    }
}

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
