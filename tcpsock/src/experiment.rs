//! What the experiments share: their options, a limit of time, and a connection to try things on.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;
use shared::harness::report::Report;
use shared::linux::answer::answer;
use shared::linux::failure::Failure;
use shared::linux::readiness::is_timeout;
use socket2::{Domain, Socket, Type};

use crate::loopback;

#[derive(Clone, Copy, clap::Args)]
pub struct Options {
    /// Print the records as JSON lines
    #[arg(long)]
    json: bool,
    /// Give up after so long, with exit code 124
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = shared::harness::duration::parse)]
    timeout: Duration,
}

impl Options {
    /// Runs `experiment`, but not for longer than the timeout: what it blocks in then ends with the process.
    pub fn limit(
        self,
        experiment: impl FnOnce(&mut Report) -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let (done, outcome) = mpsc::channel();
        let running = thread::Builder::new().name("experiment".into()).spawn(move || {
            // Nobody receives it once the timeout has passed.
            let _ = done.send(experiment(&mut Report::new(self.json)));
        });
        running.context("start a thread")?;
        match outcome.recv_timeout(self.timeout) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => {
                let limit = humantime::format_duration(self.timeout);
                Err(Failure::Deadline(format!("the experiment took longer than --timeout {limit}")).into())
            }
            Err(RecvTimeoutError::Disconnected) => bail!("the experiment panicked"),
        }
    }
}

/// The option of experiments in which somebody waits in vain.
#[derive(Clone, Copy, clap::Args)]
pub struct Limit {
    /// How far ahead the deadlines of the experiment are, from 20ms to 1min
    #[arg(long, value_name = "DURATION", default_value = "50ms", value_parser = ahead)]
    pub deadline: Duration,
}

/// A few ticks of the kernel's clock at least.
fn ahead(text: &str) -> Result<Duration, String> {
    let duration = shared::harness::duration::parse(text).map_err(|error| error.to_string())?;
    let range = Duration::from_millis(20)..=Duration::from_secs(60);
    if range.contains(&duration) { Ok(duration) } else { Err("not from 20ms to 1min".to_owned()) }
}

/// Both ends of a TCP connection over loopback.
pub fn connection() -> anyhow::Result<(Socket, Socket)> {
    let listener = listen(1)?;
    let client = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    client.connect(&listener.local_addr()?)?;
    Ok((client, listener.accept()?.0))
}

/// A TCP socket that listens on a free port of loopback.
pub fn listen(backlog: i32) -> anyhow::Result<Socket> {
    loopback::needed()?;
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    listener.listen(backlog)?;
    Ok(listener)
}

/// What a call returned, as strace shows it: a number, or the name of the error.
pub fn returned(result: &io::Result<usize>) -> io::Result<Value> {
    match result {
        Ok(count) => Ok((*count).into()),
        Err(error) => answer(error).map(Into::into),
    }
}

/// What a call under a deadline came to, in Go's words where that has passed.
pub fn outcome(result: &io::Result<usize>) -> io::Result<Value> {
    match result {
        Err(error) if is_timeout(error) => Ok("i/o timeout".into()),
        other => returned(other),
    }
}

/// Waits until the kernel has an error for the socket, which it keeps for the next call.
pub fn wait_for_error(socket: &impl AsFd) -> io::Result<()> {
    let mut errors_only = [PollFd::new(socket.as_fd(), PollFlags::empty())];
    poll(&mut errors_only, PollTimeout::NONE)?;
    Ok(())
}

/// A duration as records have it.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
