//! The story of the note's program: two receivers, signals that the program sends to itself, and what is left
//! when a receiver stops.
//!
//! Where the Go program waits for seconds, this one waits until each receiver has got its signal. It finds
//! itself by its own PID; the Go program searches for its name in what ps prints, and hits all who bear it.
//!
//! Note: 信号. Go: mysignal.go, `signal.Notify`, `signal.Stop`. Man: signal(7), signalfd(2), kill(2).

use std::time::{Duration, Instant};

use anyhow::bail;
use libc::{WEXITED, pid_t};
use nix::unistd;
use shared::harness::report::Report;
use shared::linux::child::event::Event;
use shared::linux::child::forked::Forked;
use shared::linux::failure::Failure;
use shared::linux::stdio;

use crate::registry::{Channel, Registry};
use crate::signal::fd::Arrival;
use crate::signal::{Signal, send};

/// A signal to oneself arrives at once; a stopped or starved process may need longer.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut registry = Registry::new()?;
    // ANCHOR: story
    let both = [Signal::INT, Signal::QUIT];
    let first = set_notification(&mut registry, "sigRecv1", &both, out)?;
    let second = set_notification(&mut registry, "sigRecv2", &[Signal::QUIT], out)?;

    send_to_self(Signal::INT, out)?;
    receive(&mut registry, &[&first], out)?;
    send_to_self(Signal::QUIT, out)?;
    receive(&mut registry, &[&first, &second], out)?;

    stop_notification(&mut registry, first, out)?;
    show_what_it_does_now(Signal::INT, out)?;
    send_to_self(Signal::QUIT, out)?;
    receive(&mut registry, &[&second], out)?;

    stop_notification(&mut registry, second, out)
    // ANCHOR_END: story
}

/// One of the Go program's two receiving goroutines.
struct Receiver {
    name: &'static str,
    channel: Channel,
}

fn set_notification(
    registry: &mut Registry,
    name: &'static str,
    signals: &[Signal],
    out: &mut Report,
) -> anyhow::Result<Receiver> {
    let meanings: Vec<String> = signals.iter().map(|signal| signal.meaning()).collect();
    out.line(format_args!("Set notification for [{}]... [{name}]", meanings.join(" ")))?;
    let channel = registry.channel(1);
    registry.notify(&channel, signals)?;
    Ok(Receiver { name, channel })
}

fn send_to_self(signal: Signal, out: &mut Report) -> anyhow::Result<()> {
    say_sending(signal, "the process", unistd::getpid().as_raw(), out)?;
    send::to_self(signal)
}

fn say_sending(signal: Signal, whom: &str, pid: pid_t, out: &mut Report) -> anyhow::Result<()> {
    out.line(format_args!("Send signal '{}' to {whom} (pid={pid})...", signal.meaning()))
}

/// Waits until each of `receivers` has received a signal.
fn receive(registry: &mut Registry, receivers: &[&Receiver], out: &mut Report) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    for receiver in receivers {
        while print_received(receiver.name, receiver.channel.arrived(), out)? == 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::Deadline(format!("{}: no signal came", receiver.name)).into());
            }
            registry.deliver(Some(left))?;
        }
    }
    Ok(())
}

fn print_received(name: &str, arrivals: impl Iterator<Item = Arrival>, out: &mut Report) -> anyhow::Result<usize> {
    let mut count = 0;
    for arrival in arrivals {
        out.line(format_args!("Received a signal from {name}: {}", arrival.signal.meaning()))?;
        count += 1;
    }
    Ok(count)
}

fn stop_notification(registry: &mut Registry, receiver: Receiver, out: &mut Report) -> anyhow::Result<()> {
    let Receiver { name, channel } = receiver;
    let stopped = registry.stop(channel)?;
    out.line(format_args!("Stop notification...done. [{name}]"))?;
    if stopped.missed > 0 {
        stdio::narrate(format_args!("{name} was full: signals missed: {}", stopped.missed));
    }
    print_received(name, stopped.close().into_iter(), out)?;
    out.line(format_args!("End. [{name}]"))
}

/// In a child, for it may die of it: nobody has asked for the signal any more.
fn show_what_it_does_now(signal: Signal, out: &mut Report) -> anyhow::Result<()> {
    let mut child = Forked::new(|| send::to_self(signal))?;
    say_sending(signal, "a child", child.pid(), out)?;
    match child.wait(WEXITED)? {
        Event::Killed { signal: killer, .. } if killer == signal.number() => {
            out.line(format_args!("The child died of the signal: {}", signal.meaning()))
        }
        Event::Exited(0) => {
            let meaning = signal.meaning();
            out.line(format_args!("The child ignored the signal, as this program did when it began: {meaning}"))
        }
        event => bail!("child {}: {event}", child.pid()),
    }
}
