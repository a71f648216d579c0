//! Where our registry is not like Go's os/signal. Go's side is that of its runtime: claims 122, 125 and 196 ask it.
//!
//! Note: 信号 ("signal.Notify", "signal.Stop"). Go: `signal.Notify`, `signal.Stop`, `signal.Reset`. Man: signal(7).

use anyhow::Context;
use serde::Serialize;
use shared::linux::failure::Failure;

use super::fate::{Fate, asking_for, deliver, stop_and_send};
use crate::registry::Registry;
use crate::signal::{Signal, send};

/// What a channel with room for all got of one real-time signal.
#[derive(Serialize)]
pub struct EachTime {
    signal: Signal,
    room: usize,
    sent: usize,
    received: usize,
}

/// In which order a channel got two signals that waited.
#[derive(Serialize)]
pub struct Ordered {
    sent_signals: [Signal; 2],
    received_signals: Vec<Signal>,
}

/// What came to a channel that had asked for all signals, and which of them alone nobody can ask for.
#[derive(Serialize)]
pub struct All {
    sent: usize,
    received: usize,
    refused_signals: Vec<Signal>,
}

pub fn each_time() -> anyhow::Result<EachTime> {
    const SENT: usize = 40;
    let signal = Signal::real_time(6).context("SIGRTMIN+6")?;
    let mut registry = Registry::new()?;
    let room = 200;
    let channel = registry.channel(room);
    registry.notify(&channel, &[signal])?;
    for _ in 0..SENT {
        send::to_self(signal)?;
    }
    while deliver(&mut registry)? > 0 {}
    let received = registry.stop(channel)?.close().iter().count();
    Ok(EachTime { signal, room, sent: SENT, received })
}

pub fn lowest_first() -> anyhow::Result<Ordered> {
    let mut registry = Registry::new()?;
    let channel = asking_for(&mut registry, Signal::USR1)?;
    registry.notify(&channel, &[Signal::USR2])?;
    let sent_signals = [Signal::USR2, Signal::USR1];
    sent_signals.into_iter().try_for_each(send::to_self)?;
    deliver(&mut registry)?;
    let received = registry.stop(channel)?.close().iter().map(|arrival| arrival.signal).collect();
    Ok(Ordered { sent_signals, received_signals: received })
}

/// SIGUSR1 after Stop; and SIGINT after Reset, which is all that Go offers for what the note wants of a second Notify.
pub fn fates() -> anyhow::Result<[Fate; 2]> {
    Ok([
        Fate::of("a stopped channel", |registry| stop_and_send(registry, Signal::USR1))?,
        Fate::of("a channel of which it was taken by Reset", |registry| {
            let _channel = asking_for(registry, Signal::INT)?;
            registry.reset(&[Signal::INT])?;
            send::to_self(Signal::INT)
        })?,
    ])
}

/// One after the other: some signals discard others that wait.
pub fn all_signals() -> anyhow::Result<All> {
    let mut registry = Registry::new()?;
    let channel = registry.channel(64);
    let (mut refused_signals, mut accepted) = (Vec::new(), Vec::new());
    for signal in Signal::all() {
        match registry.notify(&channel, &[signal]) {
            Err(error) if matches!(error.downcast_ref(), Some(Failure::Usage(_))) => refused_signals.push(signal),
            asked => asked.map(|()| accepted.push(signal))?,
        }
    }
    registry.reset(&accepted)?;
    registry.notify(&channel, &[])?;
    for &signal in &accepted {
        send::to_self(signal)?;
        deliver(&mut registry)?;
    }
    let received = registry.stop(channel)?.close().iter().count();
    Ok(All { sent: accepted.len(), received, refused_signals })
}
