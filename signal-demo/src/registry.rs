//! The twin of Go's os/signal: channels on which a program is told of the signals it has asked for.
//!
//! One mechanism, [`SignalFd`], stands below: a signal somebody has asked for is blocked, so that it neither
//! acts nor is lost, and is read from a descriptor that mio watches. (ctrlc, which the servers use to end, knows
//! three signals and cannot be undone.) What the kernel does with the signal otherwise, default or ignore, is
//! never touched, and is back as soon as the signal is unblocked.
//!
//! - Each channel has its set; `notify` adds to it, and only `stop` takes away. (The note says that a second
//!   `Notify` sets it anew; Go adds too: claim 131.)
//! - Every channel whose set has the signal gets a copy; channels know nothing of each other (claim 132).
//! - Delivery never waits: a full channel misses the signal, and counts it (claim 124).
//! - After `stop` nothing more is sent; what was sent can still be received, then the receiver's loop ends,
//!   where Go needs a `close` (claim 130). The last channel to stop gives the signal back its old action (129).
//! - A signal that cannot be caught is refused, where Go silently does nothing.
//! - Pending signals are still the kernel's: of a standard one it remembers a single instance (claim 109).
//!
//! A mask belongs to a thread: a program with a registry has one thread, or blocks the same signals in the others.
//!
//! Note: 信号. Go: `signal.Notify`, `signal.Stop`. Man: signalfd(2), epoll(7).

use std::io;
use std::os::fd::AsRawFd;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use shared::linux::readiness;

use crate::signal::Signal;
use crate::signal::fd::{Arrival, SignalFd};
use crate::signal::set::Set;

/// Where the signals of a set arrive: Go's `chan os.Signal`.
#[derive(Debug)]
pub struct Channel {
    id: u64,
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
    /// Gives what had arrived, then ends.
    pub rest: Receiver<Arrival>,
    /// How many signals came while the channel was full.
    pub missed: u64,
}

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
    pub fn new() -> io::Result<Registry> {
        let (signals, poll) = (SignalFd::new(Set::EMPTY)?, Poll::new()?);
        poll.registry().register(&mut SourceFd(&signals.as_raw_fd()), Token(0), Interest::READABLE)?;
        Ok(Registry {
            signals,
            poll,
            events: Events::with_capacity(1),
            entries: Vec::new(),
            next_id: 0,
            blocked_before: Set::EMPTY.block()?,
        })
    }

    /// A channel that holds `capacity` signals: Go's `make(chan os.Signal, capacity)`.
    pub fn channel(&mut self, capacity: usize) -> Channel {
        let (sender, receiver) = mpsc::sync_channel(capacity);
        let id = self.next_id;
        self.next_id += 1;
        self.entries.push(Entry { id, set: Set::EMPTY, sender, missed: 0 });
        Channel { id, receiver }
    }

    // ANCHOR: notify
    /// Go's `signal.Notify`: `channel` gets these signals too.
    pub fn notify(&mut self, channel: &Channel, signals: &[Signal]) -> io::Result<()> {
        if let Some(signal) = signals.iter().find(|&&signal| signal == Signal::KILL || signal == Signal::STOP) {
            let why = format!("{signal} cannot be caught, blocked or ignored");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let set = Set::from(signals);
        set.block()?;
        for entry in self.entries.iter_mut().filter(|entry| entry.id == channel.id) {
            entry.set = entry.set.union(set);
        }
        self.signals.set(self.wanted())
    }
    // ANCHOR_END: notify

    // ANCHOR: stop
    /// Go's `signal.Stop`: when it returns nothing more is sent to `channel`.
    ///
    /// What has come so far is still delivered. What comes from now on, and no other channel wants, acts as
    /// before the first `notify`, at the latest when this unblocks it.
    pub fn stop(&mut self, channel: Channel) -> io::Result<Stopped> {
        while self.send_on()? > 0 {}
        let before = self.wanted();
        let missed = self.entries.extract_if(.., |entry| entry.id == channel.id).map(|entry| entry.missed).sum();
        let wanted = self.wanted();
        self.signals.set(wanted)?;
        before.minus(wanted).minus(self.blocked_before).unblock()?;
        Ok(Stopped { rest: channel.receiver, missed })
    }
    // ANCHOR_END: stop

    /// Waits until signals come, for ever without a `timeout`, and sends them on; 0 if none came.
    ///
    /// The edge-triggered poll may be trusted to wake us only after the kernel had nothing more, so reading
    /// comes first.
    pub fn deliver(&mut self, timeout: Option<Duration>) -> io::Result<usize> {
        match self.send_on()? {
            0 => {
                readiness::wait(&mut self.poll, &mut self.events, timeout)?;
                self.send_on()
            }
            count => Ok(count),
        }
    }

    // ANCHOR: send
    /// Sends one batch on.
    fn send_on(&mut self) -> io::Result<usize> {
        let batch = self.signals.read()?;
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

/// Signals are sent to the thread of a test, so that no test meets another's.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::fd::BATCH;
    use crate::signal::send::raise;

    fn numbers(arrivals: impl Iterator<Item = Arrival>) -> Vec<i32> {
        arrivals.map(|arrival| arrival.signal.number()).collect()
    }

    fn deliver(registry: &mut Registry) -> usize {
        registry.deliver(Some(Duration::ZERO)).unwrap()
    }

    #[test]
    fn every_channel_gets_its_copy_of_what_is_in_its_set() {
        let mut registry = Registry::new().unwrap();
        let (first, second) = (registry.channel(4), registry.channel(4));
        registry.notify(&first, &[Signal::INT, Signal::QUIT]).unwrap();
        registry.notify(&second, &[Signal::QUIT]).unwrap();
        raise(Signal::INT).unwrap();
        raise(Signal::QUIT).unwrap();
        assert_eq!(deliver(&mut registry), 2);
        assert_eq!(numbers(first.arrived()), [2, 3]);
        assert_eq!(numbers(second.arrived()), [3]);
    }

    #[test]
    fn a_second_notify_adds_to_the_set() {
        let mut registry = Registry::new().unwrap();
        let channel = registry.channel(4);
        registry.notify(&channel, &[Signal::USR1]).unwrap();
        registry.notify(&channel, &[Signal::USR2, Signal::USR2]).unwrap();
        raise(Signal::USR1).unwrap();
        raise(Signal::USR2).unwrap();
        deliver(&mut registry);
        assert_eq!(numbers(channel.arrived()), [10, 12]);
    }

    #[test]
    fn a_full_channel_misses_and_counts_and_does_not_hold_up_its_neighbour() {
        let mut registry = Registry::new().unwrap();
        let (small, large) = (registry.channel(1), registry.channel(40));
        let signal = Signal::real_time(5).unwrap();
        registry.notify(&small, &[signal]).unwrap();
        registry.notify(&large, &[signal]).unwrap();
        for _ in 0..40 {
            raise(signal).unwrap();
        }
        while deliver(&mut registry) > 0 {}
        assert_eq!(numbers(large.arrived()).len(), 40);
        let stopped = registry.stop(small).unwrap();
        assert_eq!((numbers(stopped.rest.iter()).len(), stopped.missed), (1, 39));
    }

    #[test]
    fn after_stop_what_had_come_can_be_received_and_then_the_loop_ends() {
        let mut registry = Registry::new().unwrap();
        let channel = registry.channel(4);
        registry.notify(&channel, &[Signal::USR1]).unwrap();
        raise(Signal::USR1).unwrap();
        assert_eq!(numbers(registry.stop(channel).unwrap().rest.iter()), [10]);
    }

    #[test]
    fn stop_leaves_the_other_channels_alone() {
        let mut registry = Registry::new().unwrap();
        let (first, second) = (registry.channel(4), registry.channel(4));
        registry.notify(&first, &[Signal::USR2]).unwrap();
        registry.notify(&second, &[Signal::USR2]).unwrap();
        registry.stop(first).unwrap();
        raise(Signal::USR2).unwrap();
        deliver(&mut registry);
        assert_eq!(numbers(second.arrived()), [12]);
    }

    #[test]
    fn the_last_stop_gives_back_the_mask_that_was_there() {
        Set::from(Signal::USR1).block().unwrap();
        let mut registry = Registry::new().unwrap();
        let channel = registry.channel(1);
        registry.notify(&channel, &[Signal::USR1, Signal::USR2]).unwrap();
        registry.stop(channel).unwrap();
        let mask = Set::EMPTY.block().unwrap();
        assert!(mask.contains(10) && !mask.contains(12), "{mask:?}");
    }

    #[test]
    fn more_signals_than_one_read_takes_all_arrive() {
        let mut registry = Registry::new().unwrap();
        let channel = registry.channel(64);
        let signal = Signal::real_time(6).unwrap();
        registry.notify(&channel, &[signal]).unwrap();
        for _ in 0..=BATCH {
            raise(signal).unwrap();
        }
        assert_eq!((deliver(&mut registry), deliver(&mut registry), deliver(&mut registry)), (BATCH, 1, 0));
    }

    #[test]
    fn a_signal_that_cannot_be_caught_is_refused_and_nothing_is_changed() {
        let mut registry = Registry::new().unwrap();
        let channel = registry.channel(1);
        let error = registry.notify(&channel, &[Signal::USR1, Signal::KILL]).unwrap_err();
        assert_eq!(error.to_string(), "SIGKILL cannot be caught, blocked or ignored");
        assert!(!Set::EMPTY.block().unwrap().contains(10));
    }
}
