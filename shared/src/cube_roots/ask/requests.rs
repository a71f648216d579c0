//! The requests of `client`: one thread collects them, another writes them to the server, while the main one reads the
//! answers. What has no answer yet is kept: if the server ends the connection, the next one begins with it.
//!
//! Nobody who reads waits for one who writes: a server that stops reading until its answers are read stops nobody.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Stdin};
use std::mem;
use std::sync::mpsc::{self, SyncSender};
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

/// The requests until now. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    count: usize,
    /// There will be no more.
    ended: Option<anyhow::Result<()>>,
    /// The last of them, each with its TAB: those without an answer.
    unanswered: VecDeque<u8>,
    answered: usize,
    /// To the thread that writes to the server.
    connection: Option<SyncSender<Vec<u8>>>,
}

impl Asked {
    pub(super) fn count(&self) -> usize {
        self.state().count
    }

    /// Waits until there are more than the `answered` requests; false once there will be no more.
    pub(super) fn more_than(&self, answered: usize) -> anyhow::Result<bool> {
        let waits = |state: &mut State| state.count <= answered && state.ended.is_none();
        let mut state = self.0.1.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner);
        state.forget(answered);
        if state.count > answered { Ok(true) } else { state.ended.take().unwrap_or(Ok(())).map(|()| false) }
    }

    /// What has no answer is written by `writer` now, and then what is asked from now on.
    pub(super) fn go_on_with(&self, mut writer: Writer) -> anyhow::Result<()> {
        let (connection, batches) = mpsc::sync_channel::<Vec<u8>>(1);
        let mut state = self.state();
        // The first has room in the channel.
        connection.send(state.unanswered.iter().copied().collect())?;
        state.connection = Some(connection);
        // Why a write fails is seen by whoever reads, too: the connection is over, or its deadline has passed.
        spawn(move || batches.iter().try_for_each(|batch| writer.write_all(&batch)))?;
        Ok(())
    }

    /// They are counted before they are sent: an answer may arrive before the last of them has left.
    fn add(&self, count: usize, batch: Vec<u8>) {
        let mut state = self.state();
        state.count += count;
        state.unanswered.extend(&batch);
        let connection = state.connection.clone();
        drop(state);
        self.0.1.notify_one();
        // If that connection is over by now, the next one begins with these.
        let _ = connection.map(|connection| connection.send(batch));
    }

    fn end(&self, result: anyhow::Result<()>) {
        self.state().ended = Some(result);
        self.0.1.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, answered: usize) {
        for _ in self.answered..answered {
            let end = self.unanswered.iter().position(|&byte| byte == DELIMITER);
            self.unanswered.drain(..end.map_or(0, |end| end + 1));
        }
        self.answered = answered;
    }
}

/// Asks `numbers`, or the lines of stdin if there are none. If the exchange ends first, the threads are left behind.
pub(super) fn ask(numbers: Vec<String>, writer: Writer, deadline: Instant) -> anyhow::Result<Asked> {
    let asked = Asked::default();
    asked.go_on_with(writer)?;
    let mut requests = Requests { batch: Vec::new(), count: 0, asked: asked.clone() };
    spawn(move || {
        let result = if numbers.is_empty() {
            requests.ask_lines(BufReader::with_capacity(PIECE, DeadlineStdin { stdin: io::stdin(), deadline }))
        } else {
            for number in numbers {
                requests.add(number.as_bytes());
            }
            requests.send();
            Ok(())
        };
        requests.asked.end(result);
    })?;
    Ok(asked)
}

struct Requests {
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
                self.send();
            }
            line.clear();
            if lines.read_until(b'\n', &mut line).map_err(|error| call_failed("read stdin", error))? == 0 {
                break;
            }
            let request = line.strip_suffix(b"\n").unwrap_or(&line);
            let request = request.strip_suffix(b"\r").unwrap_or(request);
            if request.contains(&DELIMITER) {
                self.send();
                bail!("stdin, line {number}: a TAB ends a request");
            }
            self.add(request);
        }
        self.send();
        Ok(())
    }

    fn add(&mut self, request: &[u8]) {
        self.batch.extend_from_slice(request);
        self.batch.push(DELIMITER);
        self.count += 1;
    }

    fn send(&mut self) {
        if self.count > 0 {
            self.asked.add(mem::take(&mut self.count), mem::take(&mut self.batch));
        }
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
