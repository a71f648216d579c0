//! The two ends of the pipe. What they promise stands at the head of io_pipe.rs.
//!
//! A lock, a wait, and the writer's slice. A writer offers its slice and waits until readers have emptied it; a reader
//! waits for an offer and copies from it.
//!
//! Note: 管道 ("内存管道", "CloseWithError"). Go: `io.Pipe`, `io.EOF`, `io.ErrClosedPipe`.

use std::error::Error;
use std::fmt;
use std::ptr;

use super::side::Side;
use super::sync::{Arc, Mutex, PoisonError};

pub fn pipe() -> (PipeReader, PipeWriter) {
    let pipe = Arc::new(Pipe::default());
    (PipeReader(Arc::clone(&pipe)), PipeWriter(pipe))
}

#[derive(Debug)]
pub struct PipeReader(Arc<Pipe>);

#[derive(Debug)]
pub struct PipeWriter(Arc<Pipe>);

#[derive(Debug, Default)]
struct Pipe {
    /// Held by a writer for a whole write.
    turn: Mutex<()>,
    state: Mutex<State>,
    /// Where readers wait for an offer.
    readers: Side,
    /// Where the writer whose turn it is waits until its offer has been taken.
    writer: Side,
}

#[derive(Debug, Default)]
struct State {
    offer: Option<Offer>,
    reader_closed: Option<Closed>,
    writer_closed: Option<Closed>,
}

/// What a writer holds out: the rest of its slice.
#[derive(Debug)]
struct Offer {
    start: *const u8,
    length: usize,
}

// SAFETY: the slice belongs to a writer that waits in `write` for as long as the offer stands.
#[allow(unsafe_code, reason = "a pointer into another thread's slice is how bytes are copied only once")]
unsafe impl Send for Offer {}

impl PipeWriter {
    // ANCHOR: write
    /// Waits until readers have taken all `bytes`.
    pub fn write(&self, bytes: &[u8]) -> Result<(), CutOff> {
        let Pipe { turn, state, readers, writer } = &*self.0;
        let turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let offer = Offer { start: bytes.as_ptr(), length: bytes.len() };
        self.0.change(|state| state.offer = Some(offer));
        readers.wake();
        let is_over = |state: &State| state.offer.is_none() || state.is_closed();
        let mut state = writer.wait_until(state, readers, is_over);
        let left = state.offer.take();
        let cause = state.closed_for_writer();
        drop(state);
        drop(turn);
        left.map_or(Ok(()), |offer| Err(CutOff { taken: bytes.len() - offer.length, cause }))
    }
    // ANCHOR_END: write
}

impl PipeReader {
    /// Waits for a write and takes what fits into `buffer`.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize, Closed> {
        let Pipe { state, readers, writer, .. } = &*self.0;
        let mut state = readers.wait_until(state, writer, |state| state.offer.is_some() || state.is_closed());
        if state.is_closed() {
            return Err(state.closed_for_reader());
        }
        let Some(offer) = &mut state.offer else { return Ok(0) };
        let count = offer.take(buffer);
        if offer.length == 0 {
            state.offer = None;
            drop(state);
            writer.wake();
        }
        Ok(count)
    }
}

impl Offer {
    fn take(&mut self, buffer: &mut [u8]) -> usize {
        let count = self.length.min(buffer.len());
        // SAFETY: the state is locked, so the offer stands: its writer waits in `write`, which borrows the
        // slice, and withdraws the offer under the same lock before it returns. `count` is within both.
        #[allow(unsafe_code, reason = "a borrow cannot be held across threads that do not share a scope")]
        unsafe {
            ptr::copy_nonoverlapping(self.start, buffer.as_mut_ptr(), count);
            self.start = self.start.add(count);
        }
        self.length -= count;
        count
    }
}

impl PipeReader {
    /// Writers get [`Closed::Pipe`] from now on.
    pub fn close(&self) {
        self.0.close(|state| &mut state.reader_closed, Closed::Pipe);
    }

    /// Writers get `error` from now on.
    pub fn close_with_error(&self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.0.close(|state| &mut state.reader_closed, Closed::With(error.into().into()));
    }
}

impl PipeWriter {
    /// Readers get the end from now on.
    pub fn close(&self) {
        self.0.close(|state| &mut state.writer_closed, Closed::Eof);
    }

    /// Readers get `error` from now on.
    pub fn close_with_error(&self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.0.close(|state| &mut state.writer_closed, Closed::With(error.into().into()));
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.close();
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.close();
    }
}

impl Pipe {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The first close of an end counts.
    fn close(&self, end: fn(&mut State) -> &mut Option<Closed>, why: Closed) {
        self.change(|state| _ = end(state).get_or_insert(why));
        self.readers.wake();
        self.writer.wake();
    }
}

impl State {
    fn is_closed(&self) -> bool {
        self.reader_closed.is_some() || self.writer_closed.is_some()
    }

    fn closed_for_reader(&self) -> Closed {
        cause(self.reader_closed.as_ref(), self.writer_closed.as_ref())
    }

    fn closed_for_writer(&self) -> Closed {
        cause(self.writer_closed.as_ref(), self.reader_closed.as_ref())
    }
}

/// For an end that is open itself, what the other one was closed with.
fn cause(own: Option<&Closed>, other: Option<&Closed>) -> Closed {
    other.filter(|_| own.is_none()).cloned().unwrap_or(Closed::Pipe)
}

/// Why a pipe gives or takes no more.
#[derive(Clone, Debug)]
pub enum Closed {
    /// The writer was closed.
    Eof,
    /// The reader was closed, or this end itself.
    Pipe,
    /// The other end was closed with this error.
    With(std::sync::Arc<dyn Error + Send + Sync>),
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
