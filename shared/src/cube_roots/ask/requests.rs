//! The requests of `client`, sent by a thread of their own while another reads the answers.
//!
//! Neither thread waits for the other: a server that stops reading until its answers are read stops nobody.

use std::io::{self, BufRead, BufReader, Read, Stdin};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::bail;
use nix::poll::PollFlags;
use nix::unistd;

use crate::cube_roots::client::Writer;
use crate::cube_roots::framing::DELIMITER;
use crate::linux::failure::call_failed;
use crate::linux::readiness::{as_if_blocking, await_readable};
use crate::linux::thread::spawn;

/// Bytes of stdin for each read.
const PIECE: usize = 64 << 10;

/// How many requests have been sent, and how the sending ended. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    count: usize,
    ended: Option<anyhow::Result<()>>,
}

impl Asked {
    pub(super) fn count(&self) -> usize {
        self.state().count
    }

    /// Waits until more than `answered` requests have been sent; false once no more will be.
    pub(super) fn more_than(&self, answered: usize) -> anyhow::Result<bool> {
        let waits = |state: &mut State| state.count <= answered && state.ended.is_none();
        let mut state = self.0.1.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner);
        if state.count > answered { Ok(true) } else { state.ended.take().unwrap_or(Ok(())).map(|()| false) }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.0.1.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends `numbers`, or the lines of stdin if there are none. If the exchange ends first, the thread is left behind.
pub(super) fn send(numbers: Vec<String>, writer: Writer, deadline: Instant) -> anyhow::Result<Asked> {
    let asked = Asked::default();
    let mut requests = Requests { writer, batch: Vec::new(), count: 0, asked: asked.clone() };
    spawn(move || {
        let result = if numbers.is_empty() {
            requests.ask_lines(BufReader::with_capacity(PIECE, DeadlineStdin { stdin: io::stdin(), deadline }))
        } else {
            for number in numbers {
                requests.add(number.as_bytes());
            }
            requests.send()
        };
        requests.asked.change(|state| state.ended = Some(result));
    })?;
    Ok(asked)
}

struct Requests {
    writer: Writer,
    /// Requests, each with its TAB, that go together.
    batch: Vec<u8>,
    count: usize,
    asked: Asked,
}

impl Requests {
    /// One request a line. Complete requests are sent before the wait for another line: whoever writes the lines may
    /// be waiting for the answers.
    fn ask_lines(&mut self, mut lines: BufReader<DeadlineStdin>) -> anyhow::Result<()> {
        let mut line = Vec::new();
        for number in 1.. {
            if !lines.buffer().contains(&b'\n') {
                self.send()?;
            }
            line.clear();
            if lines.read_until(b'\n', &mut line).map_err(|error| call_failed("read stdin", error))? == 0 {
                break;
            }
            let request = line.strip_suffix(b"\n").unwrap_or(&line);
            let request = request.strip_suffix(b"\r").unwrap_or(request);
            if request.contains(&DELIMITER) {
                self.send()?;
                bail!("stdin, line {number}: a TAB ends a request");
            }
            self.add(request);
        }
        self.send()
    }

    fn add(&mut self, request: &[u8]) {
        self.batch.extend_from_slice(request);
        self.batch.push(DELIMITER);
        self.count += 1;
    }

    /// They are counted before they are sent: an answer may arrive before the last of them has left.
    fn send(&mut self) -> anyhow::Result<()> {
        let count = std::mem::take(&mut self.count);
        if count > 0 {
            self.asked.change(|state| state.count += count);
            self.writer.write_all(&self.batch)?;
            self.batch.clear();
        }
        Ok(())
    }
}

/// Stdin whose reads fail once the deadline has passed. Others may share it, so it is never made non-blocking; where
/// somebody else did that, reads wait all the same.
struct DeadlineStdin {
    stdin: Stdin,
    deadline: Instant,
}

impl Read for DeadlineStdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        as_if_blocking(&self.stdin, PollFlags::POLLIN, Some(self.deadline), || {
            await_readable(&self.stdin, self.deadline)?;
            Ok(unistd::read(&self.stdin, buffer)?)
        })
    }
}
