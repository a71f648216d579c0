//! Blocked signals, read from a descriptor as records of 128 bytes.
//!
//! Man: signalfd(2).

use std::io;
use std::mem::{offset_of, size_of};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_int, signalfd_siginfo};
use nix::errno::Errno;
use shared::linux::readiness::{self, Ready};

use crate::signal::Signal;
use crate::signal::set::Set;

/// How many signals one call reads at most.
pub const BATCH: usize = 16;

const RECORD: usize = size_of::<signalfd_siginfo>();

/// A signal that came, and what the kernel says of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub signal: Signal,
    pub pid: u32,
    pub uid: u32,
    /// How it was sent: `SI_USER` by kill(2), `SI_QUEUE` by sigqueue(3), …
    pub code: c_int,
    /// What sigqueue(3) gave along.
    pub value: c_int,
}

impl Arrival {
    fn from_record(record: &[u8; RECORD]) -> Arrival {
        let word = |at: usize| u32::from_ne_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
        Arrival {
            signal: Signal(word(offset_of!(signalfd_siginfo, ssi_signo)).cast_signed()),
            pid: word(offset_of!(signalfd_siginfo, ssi_pid)),
            uid: word(offset_of!(signalfd_siginfo, ssi_uid)),
            code: word(offset_of!(signalfd_siginfo, ssi_code)).cast_signed(),
            value: word(offset_of!(signalfd_siginfo, ssi_int)).cast_signed(),
        }
    }
}

/// A signalfd: it reads those signals of a set that are blocked, of the process and of the thread.
#[derive(Debug)]
pub struct SignalFd {
    fd: OwnedFd,
    records: [[u8; RECORD]; BATCH],
}

impl SignalFd {
    pub fn new(set: Set) -> io::Result<SignalFd> {
        let fd = signalfd(-1, set)?;
        // SAFETY: signalfd(2) has just made it, and nobody else has it.
        #[allow(unsafe_code, reason = "nix's SignalFd has no real-time signals")]
        Ok(SignalFd { fd: unsafe { OwnedFd::from_raw_fd(fd) }, records: [[0; RECORD]; BATCH] })
    }

    /// Reads another set from now on. What waits in it makes the descriptor readable anew.
    pub fn set(&self, set: Set) -> io::Result<()> {
        signalfd(self.fd.as_raw_fd(), set).map(drop)
    }

    /// Takes what is pending, at most [`BATCH`] signals; fewer are all that were pending.
    pub fn read(&mut self) -> io::Result<impl ExactSizeIterator<Item = Arrival>> {
        let (fd, records) = (&self.fd, self.records.as_flattened_mut());
        let bytes = match readiness::nonblocking("read", fd, || Ok(nix::unistd::read(fd, records)?))? {
            Ready::Done(bytes) => bytes,
            Ready::NotYet => 0,
        };
        Ok(self.records[..bytes / RECORD].iter().map(Arrival::from_record))
    }
}

impl AsRawFd for SignalFd {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

fn signalfd(fd: RawFd, set: Set) -> io::Result<RawFd> {
    let set = set.to_kernel();
    // SAFETY: the set lives until the call is over.
    #[allow(unsafe_code, reason = "nix's SigSet has no real-time signals")]
    Ok(Errno::result(unsafe { libc::signalfd(fd, &raw const set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) })?)
}
