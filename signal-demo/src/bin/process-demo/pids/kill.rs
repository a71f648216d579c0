//! What it takes to end a process by its number: that it does not refuse, and that the number is still its own.
//!
//! Note: 进程的标识 ("kill"). Go: `os.FindProcess`, `os.Process.Kill`. Man: kill(1), kill(2), pidfd_open(2).

use std::io;

use anyhow::Context;
use libc::{ESRCH, WEXITED, WNOWAIT};
use nix::sys::signal::{SigHandler, Signal};
use serde::Serialize;
use shared::linux::child::answer::{await_turn, give_turn, tell, telling, told};
use shared::linux::child::event::Event;
use shared::linux::child::forked::Forked;
use shared::linux::pidfd::PidFd;
use shared::linux::signals;

use crate::states::stopped::ending_by_sigterm;

/// What came of a SIGTERM to a child.
#[derive(Serialize)]
pub struct Ended {
    pub by_default: Event,
    pub ignoring: Event,
    /// Whether the signal finds a child that has ended, when it is sent through the child's pidfd.
    pub pidfd_finds_zombie: bool,
    /// The same, once the child has been reaped.
    pub pidfd_finds_reaped: bool,
}

pub fn by_number() -> anyhow::Result<Ended> {
    let (by_default, ignoring) = (ends_by_default()?, goes_on_if_it_ignores()?);
    let [pidfd_finds_zombie, pidfd_finds_reaped] = found_by_pidfd()?;
    Ok(Ended { by_default, ignoring, pidfd_finds_zombie, pidfd_finds_reaped })
}

fn ends_by_default() -> anyhow::Result<Event> {
    let mut child = ending_by_sigterm()?;
    child.signal(Signal::SIGTERM)?;
    child.wait(WEXITED)
}

/// It answers after the signal, and exits.
fn goes_on_if_it_ignores() -> anyhow::Result<Event> {
    let (turn, give) = io::pipe().context("pipe")?;
    let (mut child, answer) = telling(|teller| {
        signals::set(Signal::SIGTERM, SigHandler::SigIgn).context("ignore SIGTERM")?;
        tell(teller, &[1])?;
        await_turn(&turn)?;
        Ok(())
    })?;
    let [_] = told(&answer)?;
    child.signal(Signal::SIGTERM)?;
    give_turn(&give)?;
    child.wait(WEXITED)
}

// ANCHOR: reaped
/// With the number alone, whoever has it by then would get the signal.
fn found_by_pidfd() -> anyhow::Result<[bool; 2]> {
    let mut child = Forked::new(|| Ok(()))?;
    let process = PidFd::open(child.pid());
    let process = process.with_context(|| format!("pidfd_open {}", child.pid()))?;
    child.wait(WEXITED | WNOWAIT)?;
    let zombie = finds(&process)?;
    child.wait(WEXITED)?;
    Ok([zombie, finds(&process)?])
}
// ANCHOR_END: reaped

fn finds(process: &PidFd) -> anyhow::Result<bool> {
    match process.send(libc::SIGTERM, None) {
        Err(error) if error.raw_os_error() == Some(ESRCH) => Ok(false),
        sent => sent.map(|()| true).context("pidfd_send_signal"),
    }
}
