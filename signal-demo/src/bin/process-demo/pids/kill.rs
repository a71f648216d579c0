//! What it takes to end a process by its number: that it does not refuse, and that the number is still its own.
//!
//! Note: 进程的标识 ("kill"). Go: `os.FindProcess`, `os.Process.Kill`. Man: kill(1), kill(2), pidfd_open(2).

use std::io;

use anyhow::Context;
use libc::WEXITED;
use nix::errno::Errno;
use shared::harness::claims::{Check, Seen};
use shared::linux::pidfd::PidFd;

use super::answer::{await_turn, give_turn, tell, telling, told};
use crate::child::{self, Child, Event};
use crate::signal::Signal;
use crate::signal::action::Action;

pub const CHECKS: &[Check] = &[(24, it_only_sends)];

fn it_only_sends() -> anyhow::Result<Seen> {
    let (default, ignored, late) = (ends_by_default()?, goes_on_if_it_ignores()?, is_gone_when_reaped()?);
    let as_noted = default == Event::Killed { signal: libc::SIGTERM, core: false };
    let goes_on = if ignored { "it goes on" } else { "it has ended" };
    let answer = late.map_or("sent".to_owned(), |error| format!("{error:?}"));
    let evidence =
        format!("SIGTERM: {default}; to one that ignores it: {goes_on}; by the pidfd of one reaped: {answer}");
    Ok(Seen::imprecise(as_noted, ignored && late == Some(Errno::ESRCH), evidence))
}

fn ends_by_default() -> anyhow::Result<Event> {
    let (turn, _end) = io::pipe().context("pipe")?;
    let mut child = Child::fork(|| Ok(await_turn(&turn).map(drop)?))?;
    child.signal(Signal::TERM)?;
    child.wait(WEXITED)
}

/// Whether it still answers after the signal.
fn goes_on_if_it_ignores() -> anyhow::Result<bool> {
    let (turn, give) = io::pipe().context("pipe")?;
    let (mut child, answer) = telling(|teller| {
        child::close_copy(&give)?;
        Action::Ignore.set(Signal::TERM)?;
        tell(teller, &[1])?;
        await_turn(&turn)?;
        Ok(tell(teller, &[2])?)
    })?;
    let [1] = told(&answer)? else { return Ok(false) };
    child.signal(Signal::TERM)?;
    give_turn(&give)?;
    Ok(child.wait(WEXITED)? == Event::Exited(0) && told(&answer)? == [2])
}

// ANCHOR: reaped
/// With the number alone, whoever has it by then would get the signal.
fn is_gone_when_reaped() -> anyhow::Result<Option<Errno>> {
    let child = Child::fork(|| Ok(()))?;
    let process = PidFd::open(child.pid()).with_context(|| format!("pidfd_open {}", child.pid()))?;
    child.succeed()?;
    Ok(process.send(libc::SIGTERM, None).err().and_then(|error| error.raw_os_error()).map(Errno::from_raw))
}
// ANCHOR_END: reaped
