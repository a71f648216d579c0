//! What the note says of os/signal's channels, asked of the registry, which keeps to Go's contract, and, where a
//! signal may end the process, of the kernel: in children that it may end.
//!
//! Note: 信号. Go: `signal.Notify`, `signal.Stop`. Man: signal(7), signalfd(2).

use std::time::Duration;

use anyhow::Context;
use libc::WEXITED;
use nix::unistd;
use shared::harness::claims::{Check, Seen, joined};

use crate::child::{Child, Event};
use crate::registry::{Channel, Registry};
use crate::signal::action::Action;
use crate::signal::{Signal, send};

pub const CHECKS: &[Check] = &[
    (124, full_channels_hold_nobody_up),
    (126, not_acted_on_is_ignored),
    (129, stop_gives_the_default_back),
    (130, nothing_more_after_stop),
    (132, channels_are_independent),
];

fn full_channels_hold_nobody_up() -> anyhow::Result<Seen> {
    const SENT: usize = 10;
    let mut registry = Registry::new()?;
    let rooms = [0, 3, SENT];
    let channels = rooms.map(|room| registry.channel(room));
    channels.iter().try_for_each(|channel| registry.notify(channel, &[Signal::USR1]))?;
    let mut delivered = 0;
    for _ in 0..SENT {
        send_to_self(Signal::USR1)?;
        delivered += deliver(&mut registry)?;
    }
    let mut kept = Vec::new();
    for channel in channels {
        let stopped = registry.stop(channel)?;
        kept.push((stopped.rest.iter().count(), stopped.missed));
    }
    let each =
        rooms.iter().zip(&kept).map(|(room, (got, missed))| format!("room for {room}: got {got}, missed {missed}"));
    let evidence = format!("sent {SENT}, delivered {delivered}; {}", joined(each, "; "));
    Ok(Seen::holds(delivered == SENT && kept == [(0, 10), (3, 7), (10, 0)], evidence))
}

fn not_acted_on_is_ignored() -> anyhow::Result<Seen> {
    let unread = end_of_a_child(|registry| {
        let channel = asking_for(registry, Signal::INT)?;
        for _ in 0..2 {
            send_to_self(Signal::INT)?;
            deliver(registry)?;
        }
        drop(channel);
        Ok(())
    })?;
    let unasked = end_of_a_child(|_| send_to_self(Signal::INT))?;
    let evidence = format!("SIGINT twice, nobody receives: {unread}; nobody asked for it: {unasked}");
    Ok(Seen::holds(unread == Event::Exited(0) && is_death_by(Signal::INT, unasked), evidence))
}

fn stop_gives_the_default_back() -> anyhow::Result<Seen> {
    let last = end_of_a_child(|registry| {
        let channel = asking_for(registry, Signal::INT)?;
        registry.stop(channel)?;
        send_to_self(Signal::INT)
    })?;
    let not_last = end_of_a_child(|registry| {
        let (channel, _other) = (asking_for(registry, Signal::INT)?, asking_for(registry, Signal::INT)?);
        registry.stop(channel)?;
        send_to_self(Signal::INT)
    })?;
    let ignored_before = end_of_a_child(|registry| {
        Action::Ignore.set(Signal::INT)?;
        let channel = asking_for(registry, Signal::INT)?;
        registry.stop(channel)?;
        send_to_self(Signal::INT)
    })?;
    let evidence =
        format!("SIGINT after Stop: {last}; another channel asks for it: {not_last}; ignored before: {ignored_before}");
    let exceptions = [not_last, ignored_before] == [Event::Exited(0); 2];
    Ok(Seen::imprecise(is_death_by(Signal::INT, last), exceptions, evidence))
}

fn nothing_more_after_stop() -> anyhow::Result<Seen> {
    let mut registry = Registry::new()?;
    let (stopped, other) = (asking_for(&mut registry, Signal::USR1)?, asking_for(&mut registry, Signal::USR1)?);
    send_to_self(Signal::USR1)?;
    let stopped = registry.stop(stopped)?;
    send_to_self(Signal::USR1)?;
    deliver(&mut registry)?;
    // Without an end this waits for ever, and the check fails.
    let (received, others) = (stopped.rest.iter().count(), other.arrived().count());
    let evidence =
        format!("sent 1 before and 1 after; the loop received {received} and ended; another channel received {others}");
    Ok(Seen::holds((received, others) == (1, 2), evidence))
}

fn channels_are_independent() -> anyhow::Result<Seen> {
    let mut registry = Registry::new()?;
    let (first, second) = (asking_for(&mut registry, Signal::USR2)?, asking_for(&mut registry, Signal::USR2)?);
    registry.notify(&first, &[Signal::USR1])?;
    send_to_self(Signal::USR1)?;
    send_to_self(Signal::USR2)?;
    deliver(&mut registry)?;
    let both = (numbers(&first), numbers(&second));
    registry.stop(first)?;
    send_to_self(Signal::USR2)?;
    deliver(&mut registry)?;
    let after_stop = numbers(&second);
    let evidence = format!(
        "asked for 10 12 and for 12: received {} and {}; after Stop of the first, the second received {}",
        joined(&both.0, " "),
        joined(&both.1, " "),
        joined(&after_stop, " "),
    );
    Ok(Seen::holds(both == (vec![10, 12], vec![12]) && after_stop == [12], evidence))
}

/// How a child ends whose signals all do their default at first.
fn end_of_a_child(work: impl FnOnce(&mut Registry) -> anyhow::Result<()>) -> anyhow::Result<Event> {
    let mut child = Child::fork(|| {
        Action::Default.set(Signal::INT)?;
        work(&mut Registry::new()?)
    })?;
    child.wait(WEXITED)
}

fn is_death_by(signal: Signal, event: Event) -> bool {
    matches!(event, Event::Killed { signal: killer, .. } if killer == signal.number())
}

fn asking_for(registry: &mut Registry, signal: Signal) -> anyhow::Result<Channel> {
    let channel = registry.channel(2);
    registry.notify(&channel, &[signal]).with_context(|| format!("ask for {signal}"))?;
    Ok(channel)
}

/// What a process sends itself waits at once, so that there is nothing to wait for.
fn deliver(registry: &mut Registry) -> anyhow::Result<usize> {
    registry.deliver(Some(Duration::ZERO)).context("deliver")
}

fn send_to_self(signal: Signal) -> anyhow::Result<()> {
    send::kill(unistd::getpid().as_raw(), signal).with_context(|| format!("send {signal}"))
}

fn numbers(channel: &Channel) -> Vec<i32> {
    channel.arrived().map(|arrival| arrival.signal.number()).collect()
}
