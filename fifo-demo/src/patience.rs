//! The option `--timeout`: how long to wait for the other side of a pipe, each time it is waited for.

use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::poll::PollFlags;
use shared::linux::failure::Failure;
use shared::linux::readiness::{Ready, await_event, is_timeout, nonblocking};
use shared::linux::thread;

#[derive(Clone, Copy, clap::Args)]
pub struct Patience {
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = shared::harness::duration::limit)]
    timeout: Duration,
}

impl Patience {
    pub fn of(timeout: Duration) -> Patience {
        Patience { timeout }
    }

    /// When a wait that begins now is over.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// The error of whoever has waited in vain for `what`.
    pub fn passed(&self, what: impl Display) -> Failure {
        Failure::Deadline(format!("wait for {what}: --timeout {} passed", humantime::format_duration(self.timeout)))
    }

    /// Makes a call that may wait, and that knows no timeout, in a thread. In vain, it was for `what`; who gives up on it
    /// ends the program, and with it the thread.
    pub fn within<T: Send + 'static>(
        &self,
        what: impl Display,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        let (done, result) = mpsc::channel();
        thread::spawn(move || done.send(call()))?;
        match result.recv_timeout(self.timeout) {
            Err(RecvTimeoutError::Timeout) => Err(self.passed(what).into()),
            result => result.context("the thread that waits has gone"),
        }
    }

    /// Waits with poll(2), which takes regular files too, until `file` can be read or written. In vain, it was for `what`.
    pub fn wait(&self, file: &impl AsFd, event: PollFlags, what: impl Display) -> anyhow::Result<()> {
        match await_event(file, event, Some(self.deadline())) {
            Err(error) if is_timeout(&error) => Err(self.passed(what).into()),
            waited => waited.context("poll"),
        }
    }

    /// read(2) of `name` as soon as there is something to read, or the end.
    pub fn read(&self, mut file: &File, buffer: &mut [u8], name: &str, what: impl Display) -> anyhow::Result<usize> {
        loop {
            self.wait(file, PollFlags::POLLIN, &what)?;
            let read = nonblocking("read", file, || file.read(buffer)).with_context(|| format!("read {name}"))?;
            if let Ready::Done(count) = read {
                return Ok(count);
            } // Otherwise somebody else has read it.
        }
    }

    /// The same to the end: `take` gets what each read(2) brings.
    pub fn read_to_end(
        &self,
        file: &File,
        buffer: &mut [u8],
        name: &str,
        what: impl Display,
        mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        loop {
            match self.read(file, buffer, name, &what)? {
                0 => return Ok(()),
                count => take(&buffer[..count])?,
            }
        }
    }
}
