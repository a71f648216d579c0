//! os/signal's contract, asked of our registry; and of the kernel in children, which a signal may end. What the registry
//! keeps of it, and what is not as in Go, stands at the head of registry.rs.
//!
//! Note: 信号 ("signal.Notify", "signal.Stop"). Go: `signal.Notify`, `signal.Stop`. Man: signal(7), signalfd(2).

mod fate;
mod unlike_go;

use std::thread;

use anyhow::anyhow;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::sleeper;

use fate::{Fate, asking_for, deliver, stop_and_send};

use crate::registry::{Channel, Registry};
use crate::signal::action::Action;
use crate::signal::{Signal, send};

#[derive(clap::Args)]
pub struct Args {}

/// What a channel got of the signals that were delivered.
#[derive(Debug, Serialize)]
pub struct Filled {
    pub room: usize,
    pub sent: usize,
    pub delivered: usize,
    pub received: usize,
    pub missed: u64,
}

/// What two channels received of a signal that was sent before the first was stopped, and once after it.
#[derive(Debug, Serialize)]
pub struct AfterStop {
    pub sent_before: usize,
    pub sent_after: usize,
    /// Of the loop over the stopped channel.
    pub waits_until_closed: bool,
    pub received: usize,
    pub other_received: usize,
}

/// What two channels received, by number.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Independent {
    pub first_asks_for: Vec<i32>,
    pub second_asks_for: Vec<i32>,
    pub first_received: Vec<i32>,
    pub second_received: Vec<i32>,
    /// Of its signal, after the first was stopped.
    pub second_received_then: Vec<i32>,
}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    fill()?.iter().try_for_each(|channel| out.pairs(channel))?;
    not_acted_on()?.iter().try_for_each(|fate| out.pairs(fate))?;
    stopped()?.iter().try_for_each(|fate| out.pairs(fate))?;
    out.pairs(&after_stop()?)?;
    out.pairs(&independent()?)?;
    out.pairs(&unlike_go::each_time()?)?;
    out.pairs(&unlike_go::lowest_first()?)?;
    unlike_go::fates()?.iter().try_for_each(|fate| out.pairs(fate))?;
    out.pairs(&unlike_go::all_signals()?)
}

/// Three channels, of which two have too little room.
pub fn fill() -> anyhow::Result<[Filled; 3]> {
    const SENT: usize = 10;
    let mut registry = Registry::new()?;
    let channels = [0, 3, SENT].map(|room| (room, registry.channel(room)));
    channels.iter().try_for_each(|(_, channel)| registry.notify(channel, &[Signal::USR1]))?;
    let mut delivered = 0;
    for _ in 0..SENT {
        send::to_self(Signal::USR1)?;
        delivered += deliver(&mut registry)?;
    }
    let [first, second, third] = channels.map(|(room, channel)| {
        let stopped = registry.stop(channel)?;
        let (missed, received) = (stopped.missed, stopped.close().iter().count());
        anyhow::Ok(Filled { room, sent: SENT, delivered, received, missed })
    });
    Ok([first?, second?, third?])
}

/// SIGINT twice to a process that asked for it and does not receive it, and once to one that did not ask.
pub fn not_acted_on() -> anyhow::Result<[Fate; 2]> {
    Ok([
        Fate::of("a channel that nobody receives from", |registry| {
            let _channel = asking_for(registry, Signal::INT)?;
            for _ in 0..2 {
                send::to_self(Signal::INT)?;
                deliver(registry)?;
            }
            Ok(())
        })?,
        Fate::of("nobody", |_| send::to_self(Signal::INT))?,
    ])
}

/// SIGINT after Stop.
pub fn stopped() -> anyhow::Result<[Fate; 3]> {
    Ok([
        Fate::of("a stopped channel", |registry| stop_and_send(registry, Signal::INT))?,
        Fate::of("a stopped channel and another", |registry| {
            let _other = asking_for(registry, Signal::INT)?;
            stop_and_send(registry, Signal::INT)
        })?,
        Fate::of("a stopped channel; ignored before", |registry| {
            Action::Ignore.set(Signal::INT)?;
            stop_and_send(registry, Signal::INT)
        })?,
    ])
}

pub fn after_stop() -> anyhow::Result<AfterStop> {
    let mut registry = Registry::new()?;
    let (stopped, other) = (asking_for(&mut registry, Signal::USR1)?, asking_for(&mut registry, Signal::USR1)?);
    send::to_self(Signal::USR1)?;
    let stopped = registry.stop(stopped)?;
    send::to_self(Signal::USR1)?;
    deliver(&mut registry)?;
    let (rest, open) = (stopped.rest, stopped.open);
    let (waits_until_closed, received) = thread::scope(|scope| {
        let (received, looping) = sleeper::spawn(scope, || rest.into_iter().count())?;
        let waits = looping.sleeps()?;
        drop(open);
        anyhow::Ok((waits, received.join().map_err(|_| anyhow!("the loop panicked"))?))
    })?;
    let other_received = other.arrived().count();
    registry.stop(other)?;
    Ok(AfterStop { sent_before: 1, sent_after: 1, waits_until_closed, received, other_received })
}

pub fn independent() -> anyhow::Result<Independent> {
    let mut registry = Registry::new()?;
    let (first, second) = (asking_for(&mut registry, Signal::USR2)?, asking_for(&mut registry, Signal::USR2)?);
    registry.notify(&first, &[Signal::USR1])?;
    send::to_self(Signal::USR1)?;
    send::to_self(Signal::USR2)?;
    deliver(&mut registry)?;
    let (first_received, second_received) = (numbers(&first), numbers(&second));
    registry.stop(first)?;
    send::to_self(Signal::USR2)?;
    deliver(&mut registry)?;
    let second_received_then = numbers(&second);
    registry.stop(second)?;
    let [usr1, usr2] = [Signal::USR1, Signal::USR2].map(Signal::number);
    Ok(Independent {
        first_asks_for: vec![usr1, usr2],
        second_asks_for: vec![usr2],
        first_received,
        second_received,
        second_received_then,
    })
}

fn numbers(channel: &Channel) -> Vec<i32> {
    channel.arrived().map(|arrival| arrival.signal.number()).collect()
}
