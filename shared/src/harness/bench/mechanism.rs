//! A mechanism to be measured: how its two ends meet, and how each sends and receives.
//!
//! Note: Golang笔记-多进程编程理论 ("进程间的通讯"). Go: `testing.B`.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

/// A way for one process to send something to another.
#[derive(Debug)]
pub struct Mechanism {
    /// Its name in the table.
    pub name: &'static str,
    /// The sizes of messages in bytes, one measurement for each.
    pub sizes: &'static [usize],
    /// What keeps a sender in one direction from overrunning the receiver.
    pub one_way: OneWay,
    /// Makes both ends.
    pub meet: fn() -> anyhow::Result<Meeting>,
    /// In the other process: makes its end from stdin and stdout.
    pub join: fn(File, File) -> anyhow::Result<Box<dyn Side>>,
}

impl Mechanism {
    /// The name as one word, for a shell: `pipe-mio`.
    pub fn word(&self) -> String {
        self.name.replace(", ", "-").replace(' ', "-")
    }
}

/// The sizes of messages for mechanisms that carry bytes.
pub const SIZES: &[usize] = &[64, 64 << 10];

/// How messages that nobody answers are kept from overrunning the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneWay {
    /// The sender waits while there is no room.
    Waits,
    /// A message without room is lost, so the receiver acknowledges from time to time.
    Acknowledged,
    /// Not measured in one direction.
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
    /// Is told who is at the other end, before anything is sent.
    fn meet(&mut self, _peer: nix::unistd::Pid) {}
    /// Sends all of a message.
    fn send(&mut self, message: &[u8]) -> io::Result<()>;
    /// Receives a message that is as long as `buffer`.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()>;
}
