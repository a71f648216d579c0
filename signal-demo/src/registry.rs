//! The twin of Go's os/signal: channels on which a program is told of the signals it has asked for.
//!
//! One mechanism, [`SignalFd`], stands below: a signal somebody has asked for is blocked, so that it neither
//! acts nor is lost, and is read from a descriptor that mio watches. (ctrlc, which the servers use to end, knows
//! three signals and cannot be undone.) What the kernel does with the signal otherwise, default or ignore, is
//! never touched, and is back as soon as the signal is unblocked.
//!
//! - Each channel has its set; `notify` adds to it, and without a list it adds all signals. Only `stop` and `reset`
//!   take away. (The note says that a second `Notify` sets it anew; Go adds too: claim 131.)
//! - Every channel whose set has the signal gets a copy; channels know nothing of each other (claim 132).
//! - Delivery never waits: a full channel misses the signal, and counts it (claim 124).
//! - After `stop` nothing more is sent. What was sent can still be received, and a loop over the channel ends when it
//!   is closed (claim 130). The last channel to stop gives the signal back its old action (129).
//! - Pending signals are still the kernel's: of a standard one it remembers a single instance (claim 109).
//!
//! Not as in Go, whose handler catches each signal at once and sets a bit for its number:
//!
//! - A real-time signal comes as often as it was sent. In Go those that find the bit set are lost.
//! - Of two signals that wait the lower number comes first. In Go either may (claim 196).
//! - After the last `stop` SIGUSR1 kills, as it does by default. In Go the handler stays, and does nothing (claim 125).
//! - SIGKILL and SIGSTOP are refused. Go does nothing, and says nothing.
//! - Only a stopped channel can be closed. In Go one that is not panics at the next signal (claim 123).
//! - What needs no channel stands elsewhere: Ignore in [`action`](crate::signal::action), Ignored in `signal-demo mask`,
//!   NotifyContext in [`shutdown`](shared::linux::shutdown).
//!
//! A mask belongs to a thread: a program with a registry has one thread, or blocks the same signals in the others.
//!
//! Note: 信号. Go: `signal.Notify`, `signal.Stop`, `signal.Reset`. Man: signalfd(2), epoll(7).

use std::os::fd::AsRawFd;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::{Duration, Instant};

use anyhow::Context;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use shared::linux::failure::Failure;
use shared::linux::readiness::await_events;

use crate::signal::Signal;
use crate::signal::fd::{Arrival, SignalFd};
use crate::signal::set::Set;

/// Where the signals of a set arrive: Go's `chan os.Signal`.
#[derive(Debug)]
pub struct Channel {
    id: u64,
    open: SyncSender<Arrival>,
    receiver: Receiver<Arrival>,
}

impl Channel {
    /// What has arrived, oldest first.
    pub fn arrived(&self) -> impl Iterator<Item = Arrival> {
        self.receiver.try_iter()
    }
}

/// What [`Registry::stop`] leaves of a channel.
#[derive(Debug)]
pub struct Stopped {
    /// Gives what had arrived, and then waits for more while the channel is open.
    pub rest: Receiver<Arrival>,
    /// Nobody sends by it any more.
    pub open: SyncSender<Arrival>,
    /// How many signals came while the channel was full.
    pub missed: u64,
}

impl Stopped {
    /// Go's `close`: the loop over what had arrived ends with it.
    pub fn close(self) -> Receiver<Arrival> {
        self.rest
    }
}

/// They cannot be caught, blocked or ignored.
const FIXED: [Signal; 2] = [Signal::KILL, Signal::STOP];

/// Go's package-level map of channels to sets.
#[derive(Debug)]
pub struct Registry {
    signals: SignalFd,
    poll: Poll,
    events: Events,
    entries: Vec<Entry>,
    next_id: u64,
    /// What was blocked before the registry came stays blocked after it.
    blocked_before: Set,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    set: Set,
    sender: SyncSender<Arrival>,
    missed: u64,
}

impl Registry {
    pub fn new() -> anyhow::Result<Registry> {
        let signals = SignalFd::new(Set::EMPTY).context("signalfd")?;
        let poll = Poll::new().context("epoll_create")?;
        let registered = poll.registry().register(&mut SourceFd(&signals.as_raw_fd()), Token(0), Interest::READABLE);
        registered.context("epoll_ctl signalfd")?;
        Ok(Registry {
            signals,
            poll,
            events: Events::with_capacity(1),
            entries: Vec::new(),
            next_id: 0,
            blocked_before: Set::EMPTY.block().context("sigprocmask")?,
        })
    }

    /// A channel that holds `capacity` signals: Go's `make(chan os.Signal, capacity)`.
    pub fn channel(&mut self, capacity: usize) -> Channel {
        let (sender, receiver) = mpsc::sync_channel(capacity);
        let id = self.next_id;
        self.next_id += 1;
        self.entries.push(Entry { id, set: Set::EMPTY, sender: sender.clone(), missed: 0 });
        Channel { id, open: sender, receiver }
    }

    /// Go's `signal.Notify`: `channel` gets these signals too, or all that can be caught, if none is listed.
    pub fn notify(&mut self, channel: &Channel, signals: &[Signal]) -> anyhow::Result<()> {
        if let Some(signal) = signals.iter().find(|signal| FIXED.contains(signal)) {
            return Err(Failure::Usage(format!("{signal} cannot be caught, blocked or ignored")).into());
        }
        // ANCHOR: notify
        let all = || Signal::all().filter(|signal| !FIXED.contains(signal)).collect();
        let set = if signals.is_empty() { all() } else { Set::from(signals) };
        set.block().context("sigprocmask")?;
        for entry in self.entries.iter_mut().filter(|entry| entry.id == channel.id) {
            entry.set = entry.set.union(set);
        }
        self.signals.set(self.wanted()).context("signalfd")
        // ANCHOR_END: notify
    }

    /// Go's `signal.Stop`: when it returns nothing more is sent to `channel`.
    ///
    /// What has come so far is still delivered. What comes from now on, and no other channel wants, acts as
    /// before the first `notify`, at the latest when this unblocks it.
    pub fn stop(&mut self, channel: Channel) -> anyhow::Result<Stopped> {
        let mut missed = 0;
        self.take_away(|entries| {
            missed = entries.extract_if(.., |entry| entry.id == channel.id).map(|entry| entry.missed).sum();
        })?;
        Ok(Stopped { rest: channel.receiver, open: channel.open, missed })
    }

    fn take_away(&mut self, take: impl FnOnce(&mut Vec<Entry>)) -> anyhow::Result<()> {
        // ANCHOR: stop
        while self.send_on()? > 0 {}
        let before = self.wanted();
        take(&mut self.entries);
        let wanted = self.wanted();
        self.signals.set(wanted).context("signalfd")?;
        before.minus(wanted).minus(self.blocked_before).unblock().context("sigprocmask")?;
        // ANCHOR_END: stop
        Ok(())
    }

    /// Go's `signal.Reset`: no channel gets these any more.
    pub fn reset(&mut self, signals: &[Signal]) -> anyhow::Result<()> {
        let set = Set::from(signals);
        self.take_away(|entries| entries.iter_mut().for_each(|entry| entry.set = entry.set.minus(set)))
    }

    /// Waits until signals come, for ever without a `timeout`, and sends them on; 0 if none came.
    ///
    /// The edge-triggered poll may be trusted to wake us only after the kernel had nothing more, so reading
    /// comes first.
    pub fn deliver(&mut self, timeout: Option<Duration>) -> anyhow::Result<usize> {
        match self.send_on()? {
            0 => {
                let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
                await_events(&mut self.poll, &mut self.events, deadline).context("epoll_wait")?;
                self.send_on()
            }
            count => Ok(count),
        }
    }

    /// What is registered here makes [`Registry::deliver`] return as well.
    pub fn poll(&self) -> &mio::Registry {
        self.poll.registry()
    }

    // ANCHOR: send
    /// Sends one batch on.
    fn send_on(&mut self) -> anyhow::Result<usize> {
        let batch = self.signals.read().context("read signalfd")?;
        let count = batch.len();
        for arrival in batch {
            let number = arrival.signal.number();
            for entry in self.entries.iter_mut().filter(|entry| entry.set.contains(number)) {
                entry.missed += u64::from(entry.sender.try_send(arrival).is_err());
            }
        }
        Ok(count)
    }
    // ANCHOR_END: send

    /// What any channel wants.
    fn wanted(&self) -> Set {
        self.entries.iter().fold(Set::EMPTY, |all, entry| all.union(entry.set))
    }
}

#[cfg(test)]
mod tests;
