//! Why a program does not succeed, as its exit code tells.

use std::fmt;
use std::io::{self, ErrorKind};

use nix::errno::Errno;
use nix::sys::signal::Signal;

use crate::linux::readiness::is_timeout;

/// What scripts read from the exit code.
pub const EXIT_CODES: &str = "  0         done
  1         failed, or a claim did not hold
  2         wrong usage
  77        cannot be shown on this machine
  124       a limit of time has passed
  126, 127  the command to run cannot be executed, is not found
  128+N     signal N ended it, or the command that it ran
  N         the command that it ran exited with N";

/// An error with an exit code of its own. Every other error is 1.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// 0: the reader of stdout has gone.
    ReaderGone,
    /// 1: and everything about it has been said.
    AlreadySaid,
    /// 1: this user, or this container, may have no more processes. What a check needs them for cannot be shown.
    NoMoreProcesses(String),
    /// 2.
    Usage(String),
    /// 77.
    CannotShow(String),
    /// 124.
    Deadline(String),
    /// The program ends by the signal that broke it off, and has nothing to say: the sender knows.
    Interrupted(Signal),
    /// The exit code of a child, which has reported its own error.
    Child(u8),
}

impl Failure {
    /// What the program exits with.
    pub fn code(&self) -> u8 {
        match self {
            Failure::ReaderGone => 0,
            Failure::AlreadySaid | Failure::NoMoreProcesses(_) => 1,
            Failure::Usage(_) => 2,
            Failure::CannotShow(_) => 77,
            Failure::Deadline(_) => 124,
            Failure::Interrupted(signal) => 128 + *signal as u8,
            Failure::Child(code) => *code,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::ReaderGone | Failure::AlreadySaid | Failure::Interrupted(_) | Failure::Child(_) => Ok(()),
            Failure::CannotShow(why) => write!(f, "cannot be shown here: {why}"),
            Failure::Usage(what) | Failure::Deadline(what) | Failure::NoMoreProcesses(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Failure {}

/// What an experiment came to, or why it is not possible here.
pub fn possible<T>(result: anyhow::Result<T>) -> anyhow::Result<Result<T, String>> {
    match result {
        Ok(shown) => Ok(Ok(shown)),
        Err(error) => match error.downcast::<Failure>()? {
            Failure::CannotShow(why) | Failure::NoMoreProcesses(why) => Ok(Err(why)),
            failure => Err(failure.into()),
        },
    }
}

/// Nothing, where it cannot be shown here.
pub fn if_shown<T>(result: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
    possible(result).map(Result::ok)
}

/// What is missing here, or not allowed, cannot be shown. Every other error is one.
pub fn accessible<T>(what: &str, result: Result<T, impl Into<io::Error>>) -> anyhow::Result<T> {
    result.map_err(Into::into).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::Unsupported => {
            Failure::CannotShow(format!("{what}: {error}")).into()
        }
        _ => anyhow::Error::new(error).context(what.to_owned()),
    })
}

/// For want of `what`, whatever the error is.
pub fn cannot_show(what: &str, error: &anyhow::Error) -> Failure {
    Failure::CannotShow(match error.downcast_ref() {
        Some(Failure::CannotShow(why)) => format!("{what}: {why}"),
        _ => format!("{what}: {}", in_one_line(error)),
    })
}

/// What became of a call under a deadline, which may have passed.
pub fn call_failed(call: &str, error: io::Error) -> anyhow::Error {
    if is_timeout(&error) {
        Failure::Deadline(format!("{call}: i/o timeout")).into()
    } else {
        anyhow::Error::new(error).context(call.to_owned())
    }
}

/// Why a process or a thread cannot be started.
pub fn start_failed(what: &str, error: io::Error) -> anyhow::Error {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EAGAIN) => Failure::NoMoreProcesses(format!("{what}: {error}")).into(),
        _ => anyhow::Error::new(error).context(what.to_owned()),
    }
}

/// An error with its causes, in one line and one dialect: an errno in the words of std, not by its bare name.
pub fn in_one_line(error: &anyhow::Error) -> String {
    let causes = error.chain().map(|cause| match cause.downcast_ref::<Errno>() {
        Some(&errno) => io::Error::from(errno).to_string(),
        None => cause.to_string(),
    });
    causes.collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use nix::libc;

    use super::*;

    #[test]
    fn an_errno_is_told_in_words_whichever_crate_reports_it() {
        let of_std = anyhow::Error::new(io::Error::from(Errno::EACCES)).context("bind 127.0.0.1:80");
        let of_nix = anyhow::Error::new(Errno::EACCES).context("bind 127.0.0.1:80");
        for error in [of_std, of_nix] {
            assert_eq!(in_one_line(&error), "bind 127.0.0.1:80: Permission denied (os error 13)");
        }
    }

    #[test]
    fn what_may_not_be_opened_cannot_be_shown_and_what_cannot_be_is_an_error() {
        let opened = |errno| possible(accessible("open it", Err::<(), _>(io::Error::from_raw_os_error(errno))));
        for errno in [libc::ENOENT, libc::EACCES, libc::EPERM, libc::EROFS, libc::ENOSYS] {
            assert!(opened(errno).is_ok_and(|why| why.is_err()), "{errno}");
        }
        for errno in [libc::EMFILE, libc::EIO, libc::ENOMEM] {
            assert!(opened(errno).is_err(), "{errno}");
        }
    }
}
