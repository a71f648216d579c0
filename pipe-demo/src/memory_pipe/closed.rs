//! What an end of the pipe in memory gets once an end is closed.
//!
//! Note: 管道 ("CloseWithError"). Go: `io.EOF`, `io.ErrClosedPipe`.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why a pipe gives or takes no more.
#[derive(Clone, Debug)]
pub enum Closed {
    /// The writer was closed.
    Eof,
    /// The reader was closed, or this end itself.
    Pipe,
    /// The other end was closed with this error.
    With(Arc<dyn Error + Send + Sync>),
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Closed::Eof => f.write_str("EOF"),
            Closed::Pipe => f.write_str("io: read/write on closed pipe"),
            Closed::With(error) => error.fmt(f),
        }
    }
}

impl Error for Closed {}

/// A write that was cut off.
#[derive(Debug)]
pub struct CutOff {
    /// Bytes that readers took.
    pub taken: usize,
    pub cause: Closed,
}
