//! Which errors answer what an experiment asks: `EPIPE` of a write says that there is no reader.
//!
//! Man: errno(3).

use std::fmt;
use std::io;

use nix::errno::Errno;
use nix::libc::{EINTR, EIO, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC, ENOSYS, EPERM};
use serde::{Serialize, Serializer};

use crate::linux::readiness::is_timeout;

/// What came of a call whose failure is an answer, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned this number: 0, where success is all that it tells.
    Done(usize),
    /// It failed.
    Failed(Errno),
    /// Its deadline passed.
    TimedOut,
}

/// What a call returns that does something or fails.
pub const OK: Outcome = Outcome::Done(0);

impl Outcome {
    /// Of a call without a deadline.
    pub fn of(result: Result<usize, impl Into<io::Error>>) -> io::Result<Outcome> {
        let failed = |error: io::Error| answer(&error).map(Outcome::Failed).ok_or(error);
        result.map_err(Into::into).map(Outcome::Done).or_else(failed)
    }

    /// Of a call that does something or fails.
    pub fn succeeds<T>(result: Result<T, impl Into<io::Error>>) -> io::Result<Outcome> {
        Outcome::of(result.map(|_| 0))
    }

    /// Of a call under a deadline.
    pub fn by_deadline(result: io::Result<usize>) -> io::Result<Outcome> {
        match result {
            Err(error) if is_timeout(&error) => Ok(Outcome::TimedOut),
            other => Outcome::of(other),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Done(count) => write!(f, "{count}"),
            Outcome::Failed(errno) => write!(f, "{errno:?}"),
            Outcome::TimedOut => f.write_str("i/o timeout"),
        }
    }
}

/// A number, or an error for [`Report`](crate::harness::report::Report) to write.
impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Outcome::Done(count) => count.serialize(serializer),
            failed => Error { error: failed }.serialize(serializer),
        }
    }
}

/// What a record has in place of a value: `read=EPIPE` as strace shows it; `"read_error":"EPIPE"` as JSON.
#[derive(Serialize)]
pub struct Error<T: fmt::Display> {
    /// The name of the error.
    #[serde(serialize_with = "shown")]
    pub error: T,
}

fn shown<S: Serializer>(error: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(error)
}

/// The errno of an error that answers. For want of memory or descriptors, or where a filter forbids it, any call can
/// fail: then the experiment has failed, and nothing was seen.
pub fn answer(error: &io::Error) -> Option<Errno> {
    let code = error.raw_os_error()?;
    let is_of_any_call = [EINTR, EIO, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC, ENOSYS, EPERM].contains(&code);
    (!is_of_any_call).then(|| Errno::from_raw(code))
}

#[cfg(test)]
mod tests {
    use nix::libc::{EAGAIN, EPIPE};

    use super::*;

    #[test]
    fn what_any_call_can_fail_for_is_no_answer() {
        for (code, name) in [(EPIPE, Some("EPIPE")), (EAGAIN, Some("EAGAIN")), (EMFILE, None), (ENOMEM, None)] {
            let outcome = Outcome::of(Err(io::Error::from_raw_os_error(code)));
            assert_eq!(outcome.ok().map(|outcome| outcome.to_string()).as_deref(), name);
        }
    }

    #[test]
    fn a_deadline_that_passed_is_no_errno_and_the_kernels_timeout_of_connect_is_one() {
        let passed = || io::Error::new(io::ErrorKind::TimedOut, "i/o timeout");
        assert_eq!(Outcome::by_deadline(Err(passed())).unwrap(), Outcome::TimedOut);
        assert!(Outcome::of(Err(passed())).is_err());
        let by_kernel = io::Error::from_raw_os_error(nix::libc::ETIMEDOUT);
        assert_eq!(Outcome::of(Err(by_kernel)).unwrap(), Outcome::Failed(Errno::ETIMEDOUT));
    }
}
