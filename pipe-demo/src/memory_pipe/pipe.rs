//! The two ends of the pipe. What they promise stands at the head of io_pipe.rs.
//!
//! A lock, a wait, and the writer's slice. A writer offers its slice and waits until readers have emptied it; a reader
//! waits for an offer and copies from it.
//!
//! Note: 管道 ("内存管道"). Go: `io.Pipe`.

use std::error::Error;
use std::ptr;

use super::closed::{Closed, CutOff};
use super::side::Side;
use super::sync::{Arc, Mutex, PoisonError};

/// Both ends of a new pipe.
pub fn pipe() -> (PipeReader, PipeWriter) {
    let pipe = Arc::new(Pipe::default());
    (PipeReader(Arc::clone(&pipe)), PipeWriter(pipe))
}

/// The end to read from.
#[derive(Debug)]
pub struct PipeReader(Arc<Pipe>);

/// The end to write to.
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
    /// Copies what fits and keeps the rest.
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
        self.close_because(Closed::Pipe);
    }

    /// Writers get `error` from now on.
    pub fn close_with_error(&self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.close_because(Closed::With(error.into().into()));
    }

    fn close_because(&self, why: Closed) {
        self.0.change(|state| _ = state.reader_closed.get_or_insert(why));
        self.0.wake_all();
    }
}

impl PipeWriter {
    /// Readers get the end from now on.
    pub fn close(&self) {
        self.close_because(Closed::Eof);
    }

    /// Readers get `error` from now on.
    pub fn close_with_error(&self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.close_because(Closed::With(error.into().into()));
    }

    fn close_because(&self, why: Closed) {
        self.0.change(|state| _ = state.writer_closed.get_or_insert(why));
        self.0.wake_all();
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

    fn wake_all(&self) {
        self.readers.wake();
        self.writer.wake();
    }
}

impl State {
    fn is_closed(&self) -> bool {
        self.reader_closed.is_some() || self.writer_closed.is_some()
    }

    fn closed_for_reader(&self) -> Closed {
        match (&self.reader_closed, &self.writer_closed) {
            (None, Some(why)) => why.clone(),
            _ => Closed::Pipe,
        }
    }

    fn closed_for_writer(&self) -> Closed {
        match (&self.reader_closed, &self.writer_closed) {
            (Some(why), None) => why.clone(),
            _ => Closed::Pipe,
        }
    }
}
