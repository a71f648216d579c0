//! A set of signals, and the mask of this thread.
//!
//! Note: 信号. Man: sigsetops(3), pthread_sigmask(3), sigtimedwait(2).

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

use libc::{c_int, sigset_t};
use nix::errno::Errno;
use shared::linux::readiness;

use crate::signal::Signal;

/// Bit n-1 stands for signal n, as in the kernel and in /proc/PID/status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Set(u64);

impl Set {
    pub const EMPTY: Set = Set(0);
    pub const ALL: Set = Set(u64::MAX);

    pub fn from_bits(bits: u64) -> Set {
        Set(bits)
    }

    pub fn contains(self, number: c_int) -> bool {
        (1..=64).contains(&number) && self.0 >> (number - 1) & 1 == 1
    }

    pub fn union(self, other: Set) -> Set {
        Set(self.0 | other.0)
    }

    pub fn minus(self, other: Set) -> Set {
        Set(self.0 & !other.0)
    }

    /// The numbers, lowest first. They are not [`Signal`]s: the kernel reports 32 and 33 too.
    pub fn numbers(self) -> impl Iterator<Item = c_int> {
        (1..=64).filter(move |&number| self.contains(number))
    }

    /// Blocks these as well; gives the mask there was before.
    pub fn block(self) -> io::Result<Set> {
        self.change_mask(libc::SIG_BLOCK)
    }

    /// Unblocks these. What waited among them acts before this returns.
    pub fn unblock(self) -> io::Result<Set> {
        self.change_mask(libc::SIG_UNBLOCK)
    }

    /// Blocks these and no others.
    pub fn become_mask(self) -> io::Result<Set> {
        self.change_mask(libc::SIG_SETMASK)
    }

    fn change_mask(self, how: c_int) -> io::Result<Set> {
        let (set, mut before) = (self.to_kernel(), Set::EMPTY.to_kernel());
        // SAFETY: both point to sets that live until the call is over.
        #[allow(unsafe_code, reason = "nix's SigSet has no real-time signals")]
        match unsafe { libc::pthread_sigmask(how, &raw const set, &raw mut before) } {
            0 => Ok(Set::from_kernel(&before)),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    /// Takes the next pending one of these, which are blocked (sigwait); `None` when none came in time.
    pub fn take(self, timeout: Duration) -> io::Result<Option<Signal>> {
        let set = self.to_kernel();
        let timeout = libc::timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let taken = readiness::restart(|| {
            // SAFETY: the set and the timeout live until the call is over; it writes nothing.
            #[allow(unsafe_code, reason = "nix's SigSet::wait panics on a real-time signal")]
            let taken = unsafe { libc::sigtimedwait(&raw const set, ptr::null_mut(), &raw const timeout) };
            Ok(Signal(Errno::result(taken)?))
        });
        match taken {
            Err(error) if readiness::is_timeout(&error) => Ok(None),
            result => result.map(Some),
        }
    }

    /// What sigaction(2) and its like understand. The C library leaves out what it keeps to itself.
    pub fn to_kernel(self) -> sigset_t {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigemptyset(3) fills the set, sigaddset(3) changes a filled one.
        #[allow(unsafe_code, reason = "nix's SigSet has no real-time signals")]
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for number in self.numbers() {
                libc::sigaddset(set.as_mut_ptr(), number);
            }
            set.assume_init()
        }
    }

    fn from_kernel(set: &sigset_t) -> Set {
        // SAFETY: sigismember(3) only reads the set.
        #[allow(unsafe_code, reason = "nix's SigSet has no real-time signals")]
        let is_member = |&number: &c_int| unsafe { libc::sigismember(ptr::from_ref(set), number) } == 1;
        Set((1..=64).filter(is_member).fold(0, |bits, number| bits | 1 << (number - 1)))
    }
}

impl FromIterator<Signal> for Set {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> Set {
        Set(signals.into_iter().fold(0, |bits, signal| bits | 1 << (signal.number() - 1)))
    }
}

impl From<&[Signal]> for Set {
    fn from(signals: &[Signal]) -> Set {
        signals.iter().copied().collect()
    }
}

impl From<Signal> for Set {
    fn from(signal: Signal) -> Set {
        [signal].into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_comes_back_from_the_kernel_as_it_went() {
        let all: Set = Signal::all().collect();
        assert_eq!(Set::from_kernel(&all.to_kernel()), all);
        assert_eq!(all.numbers().count(), Signal::all().count());
    }
}
