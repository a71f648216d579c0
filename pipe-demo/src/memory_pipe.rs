//! A pipe in memory: no buffer, the reader copies straight from the writer's slice.
//!
//! What it promises, as Go's `io.Pipe` does:
//!
//! 1. A write returns when readers have taken all its bytes, or when an end was closed.
//! 2. A read takes from one write: two writes never meet in one read, a long write may take many reads.
//! 3. Writers take turns: the bytes of a write are never mixed with another's.
//! 4. A write of no bytes waits for a read too, which gets none; a read into no bytes takes none.
//! 5. Once the writer is closed readers get the end, or the error it was closed with.
//! 6. Once the reader is closed writers get [`Closed::Pipe`], or the error it was closed with, and the
//!    count of what was taken.
//! 7. On an end that was closed itself, and when both were closed with errors: [`Closed::Pipe`].
//! 8. The first close of an end counts, and closing never fails. Dropping an end closes it.
//! 9. Whoever waits is woken by a close.
//!
//! Note: 管道 ("内存管道"). Go: `io.Pipe`.

#[cfg(all(test, loom))]
mod models;
mod stream;
mod sync;
#[cfg(all(test, not(loom)))]
mod tests;

use std::error::Error;
use std::fmt;
use std::ptr;

use sync::{Arc, AtomicUsize, Condvar, Cpu, Mutex, MutexGuard, Ordering, Patience, PoisonError};

/// Both ends of a new pipe.
pub fn pipe() -> (PipeReader, PipeWriter) {
    let pipe = Arc::new(Pipe::default());
    (PipeReader(Arc::clone(&pipe)), PipeWriter(pipe))
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
    /// Where a reader waits for an offer.
    offered: Condvar,
    /// Where the writer whose turn it is waits until its offer has been taken.
    taken: Condvar,
    /// Counts the changes of `state`: to see one needs no lock.
    changes: AtomicUsize,
    reader_cpu: Cpu,
    writer_cpu: Cpu,
}

#[derive(Debug, Default)]
struct State {
    offer: Option<Offer>,
    reader_closed: Option<Closed>,
    writer_closed: Option<Closed>,
    sleeping_readers: usize,
    is_writer_asleep: bool,
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

impl PipeReader {
    /// Waits for a write and takes what fits into `buffer`.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize, Closed> {
        let mut state = self.0.lock_when(State::is_readable, &self.0.reader_cpu, &self.0.writer_cpu);
        while !state.is_readable() {
            state.sleeping_readers += 1;
            state = self.0.offered.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleeping_readers -= 1;
        }
        if state.is_closed() {
            return Err(state.closed_for_reader());
        }
        let Some(offer) = &mut state.offer else { return Ok(0) };
        let count = offer.take(buffer);
        if offer.length == 0 {
            state.offer = None;
            self.0.wake(state, Side::Writer);
        }
        Ok(count)
    }

    /// Writers get `error` from now on.
    pub fn close_with_error(&self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.close_because(Closed::With(error.into().into()));
    }

    /// Writers get [`Closed::Pipe`] from now on.
    pub fn close(&self) {
        self.close_because(Closed::Pipe);
    }

    fn close_because(&self, why: Closed) {
        let mut state = self.0.lock();
        state.reader_closed.get_or_insert(why);
        self.0.wake(state, Side::Both);
    }
}

impl PipeWriter {
    // ANCHOR: write
    /// Waits until readers have taken all `bytes`.
    pub fn write(&self, bytes: &[u8]) -> Result<(), CutOff> {
        let turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.0.lock();
        if state.is_closed() {
            return Err(CutOff { taken: 0, cause: state.closed_for_writer() });
        }
        state.offer = Some(Offer { start: bytes.as_ptr(), length: bytes.len() });
        self.0.wake(state, Side::Reader);
        let mut state = self.0.lock_when(State::is_writable, &self.0.writer_cpu, &self.0.reader_cpu);
        while !state.is_writable() {
            state.is_writer_asleep = true;
            state = self.0.taken.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let left = state.offer.take();
        let cause = state.closed_for_writer();
        drop(state);
        drop(turn);
        left.map_or(Ok(()), |offer| Err(CutOff { taken: bytes.len() - offer.length, cause }))
    }
    // ANCHOR_END: write

    /// Readers get `error` from now on.
    pub fn close_with_error(&self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.close_because(Closed::With(error.into().into()));
    }

    /// Readers get the end from now on.
    pub fn close(&self) {
        self.close_because(Closed::Eof);
    }

    fn close_because(&self, why: Closed) {
        let mut state = self.0.lock();
        state.writer_closed.get_or_insert(why);
        self.0.wake(state, Side::Both);
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

/// Who is to be woken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Reader,
    Writer,
    Both,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stays awake for a moment until `is_so`, as the other side is often about to act.
    fn lock_when(&self, is_so: fn(&State) -> bool, own: &Cpu, other: &Cpu) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if cfg!(loom) {
            return state; // Nothing to win, and more to try.
        }
        own.note();
        let mut patience = Patience::default();
        while !is_so(&state) {
            let before = self.changes.load(Ordering::Relaxed);
            drop(state);
            let is_over = patience.wait_while(other, || self.changes.load(Ordering::Relaxed) == before);
            state = self.lock();
            if is_over {
                break;
            }
        }
        state
    }

    /// Wakes who waits for what has just been changed.
    fn wake(&self, mut state: MutexGuard<'_, State>, side: Side) {
        self.changes.fetch_add(1, Ordering::Relaxed);
        let writer = side != Side::Reader && std::mem::take(&mut state.is_writer_asleep);
        let readers = side != Side::Writer && state.sleeping_readers > 0;
        drop(state);
        if writer {
            self.taken.notify_one();
        }
        if readers {
            // All, as one may leave a rest that the others wait for.
            self.offered.notify_all();
        }
    }
}

impl State {
    fn is_readable(&self) -> bool {
        self.offer.is_some() || self.is_closed()
    }

    fn is_writable(&self) -> bool {
        self.offer.is_none() || self.is_closed()
    }

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
