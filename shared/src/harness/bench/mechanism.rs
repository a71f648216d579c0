//! A mechanism to be measured: how its two ends meet, and how each sends and receives.
//!
//! Note: 进程间通信. Go: `testing.B`.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

/// A way of one process to tell another something.
#[derive(Debug)]
pub struct Mechanism {
    /// As the table has it.
    pub name: &'static str,
    /// How many bytes a message has, one measurement for each.
    pub sizes: &'static [usize],
    /// What keeps the sender of messages in one direction from running away.
    pub one_way: OneWay,
    /// Makes both ends.
    pub meet: fn() -> anyhow::Result<Meeting>,
    /// In the other process: its side, out of its stdin and stdout.
    pub join: fn(File, File) -> anyhow::Result<Box<dyn Side>>,
}

/// The sizes for whatever carries bytes.
pub const SIZES: &[usize] = &[64, 64 << 10];

/// How messages that nobody answers are kept from overrunning the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneWay {
    /// The sender waits while there is no room.
    Waits,
    /// What there is no room for is lost, so the receiver acknowledges from time to time.
    Acknowledged,
    /// The mechanism is not made for it.
    No,
}

/// Two ends of one mechanism.
pub enum Meeting {
    /// The other end is for another process, as its stdin and stdout.
    Process(Box<dyn Side>, OwnedFd, OwnedFd),
    /// The other end is for a thread.
    Thread(Box<dyn Side>, Box<dyn Side>),
}

/// One end.
pub trait Side: Send {
    /// Learns who is at the other end, before anything is sent.
    fn meet(&mut self, _peer: nix::unistd::Pid) {}
    /// Sends all of a message.
    fn send(&mut self, message: &[u8]) -> io::Result<()>;
    /// Receives a message that is as long as `buffer`.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()>;
}
