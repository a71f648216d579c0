//! Why a program ends otherwise than well, as its exit code tells.

use std::fmt;

use nix::sys::signal::Signal;

/// An error that decides the exit code. Every other error is 1.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// 0: whoever read stdout has gone.
    ReaderGone,
    /// 1: and everything about it has been said.
    AlreadySaid,
    /// 2.
    Usage(String),
    /// 77.
    CannotShow(String),
    /// 124.
    Deadline(String),
    /// No code: the program ends by the signal that broke it off, whose sender knows.
    Interrupted(Signal),
    /// The exit code of a child; it spoke for itself.
    Child(u8),
}

impl Failure {
    /// What the program exits with.
    pub fn code(&self) -> u8 {
        match self {
            Failure::ReaderGone => 0,
            Failure::AlreadySaid => 1,
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
            Failure::Usage(what) | Failure::Deadline(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Failure {}
