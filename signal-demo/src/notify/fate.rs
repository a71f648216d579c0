//! What becomes of a process that sends itself a signal, and channels that ask for one.
//!
//! Note: 信号 ("signal.Notify", "signal.Stop"). Go: `signal.Notify`. Man: signal(7).

use std::time::Duration;

use anyhow::Context;
use libc::WEXITED;
use serde::Serialize;
use shared::linux::child::event::Event;
use shared::linux::child::forked::Forked;

use crate::registry::{Channel, Registry};
use crate::signal::action::Action;
use crate::signal::{Signal, send};

/// What became of a process that sent itself a signal, by who had asked for it.
#[derive(Debug, Serialize)]
pub struct Fate {
    asked_for_by: &'static str,
    pub observed: Event,
}

impl Fate {
    /// Of a child in which all signals do their default at first.
    pub fn of(
        asked_for_by: &'static str,
        work: impl FnOnce(&mut Registry) -> anyhow::Result<()>,
    ) -> anyhow::Result<Fate> {
        let mut child = Forked::new(|| {
            for signal in [Signal::INT, Signal::USR1] {
                Action::Default.set(signal)?;
            }
            work(&mut Registry::new()?)
        })?;
        Ok(Fate { asked_for_by, observed: child.wait(WEXITED)? })
    }
}

pub fn asking_for(registry: &mut Registry, signal: Signal) -> anyhow::Result<Channel> {
    let channel = registry.channel(2);
    registry.notify(&channel, &[signal]).with_context(|| format!("ask for {signal}"))?;
    Ok(channel)
}

/// Stops a channel that had asked for the signal, and sends it.
pub fn stop_and_send(registry: &mut Registry, signal: Signal) -> anyhow::Result<()> {
    let channel = asking_for(registry, signal)?;
    registry.stop(channel)?;
    send::to_self(signal)
}

/// What a process sends itself waits at once, so that there is nothing to wait for.
pub fn deliver(registry: &mut Registry) -> anyhow::Result<usize> {
    registry.deliver(Some(Duration::ZERO))
}
