//! What a process can have a signal do to it, and which signals leave no choice.
//!
//! The note knows three reactions: ignore, catch, default. A fourth is to block the signal and take it when it
//! suits (claims 113, 116). SIGKILL and SIGSTOP refuse all but the default, and to block them does nothing (127).
//!
//! Note: 信号. Go: `signal.Ignore`, `signal.Notify`, `signal.Reset`.
//! Man: sigaction(2).

use std::io;
use std::time::Duration;

use anyhow::Context;
use libc::{WEXITED, WSTOPPED};
use nix::errno::Errno;
use nix::unistd;
use serde::Serialize;
use shared::report::Report;

use crate::child::{Child, Event};
use crate::signal::action::{self, Action};
use crate::signal::set::Set;
use crate::signal::{Signal, handler, send};

#[derive(clap::Args)]
pub struct Args {
    /// Print JSON lines
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Record {
    signal: Signal,
    action: &'static str,
    observed: String,
}

const CATCH: Action = Action::Catch { handler: handler::note, mask: Set::EMPTY };

pub fn run(out: &mut Report) -> anyhow::Result<()> {
    let signal = Signal::USR1;
    let mut show = |signal, action, observed| out.pairs(&Record { signal, action, observed });
    show(signal, "default", in_a_child(signal, Action::Default, Set::EMPTY)?)?;
    show(signal, "ignore", in_a_child(signal, Action::Ignore, Set::EMPTY)?)?;
    show(signal, "catch", catch(signal)?)?;
    show(signal, "block", block_and_take(signal)?)?;
    for signal in [Signal::KILL, Signal::STOP] {
        show(signal, "ignore", answer(&Action::Ignore.set(signal)))?;
        show(signal, "catch", answer(&CATCH.set(signal)))?;
        show(signal, "block", in_a_child(signal, Action::Default, Set::ALL)?)?;
    }
    Ok(())
}

/// What becomes of a child that sends itself the signal.
fn in_a_child(signal: Signal, action: Action, blocked: Set) -> anyhow::Result<String> {
    let mut child = Child::fork(|| {
        // To set the default is refused too where there is no choice.
        if action::is_free(signal)? {
            action.set(signal)?;
        }
        blocked.become_mask()?;
        send_to_self(signal)
    })?;
    Ok(match child.wait(WEXITED | WSTOPPED)? {
        Event::Exited(0) => "it goes on".to_owned(),
        event => event.to_string(),
    })
}

fn catch(signal: Signal) -> anyhow::Result<String> {
    CATCH.set(signal).with_context(|| format!("catch {signal}"))?;
    Set::from(signal).unblock().context("unblock")?;
    send_to_self(signal)?;
    let (calls, _) = handler::take_notes();
    Ok(format!("the handler ran {calls} time{}", if calls == 1 { "" } else { "s" }))
}

fn block_and_take(signal: Signal) -> anyhow::Result<String> {
    let set = Set::from(signal);
    set.block().context("block")?;
    send_to_self(signal)?;
    let taken = set.take(Duration::ZERO).context("sigtimedwait")?;
    Ok(taken.map_or_else(|| "nothing waits".to_owned(), |signal| format!("sigwait takes {signal}")))
}

fn send_to_self(signal: Signal) -> anyhow::Result<()> {
    let pid = unistd::getpid().as_raw();
    send::kill(pid, signal).with_context(|| format!("send {signal} to {pid}"))
}

fn answer(result: &io::Result<()>) -> String {
    match result {
        Ok(()) => "done".to_owned(),
        Err(error) => {
            error.raw_os_error().map_or_else(|| error.to_string(), |code| format!("{:?}", Errno::from_raw(code)))
        }
    }
}
