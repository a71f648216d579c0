//! The option `--timeout`: how long to wait for the other side of a FIFO.

use std::fmt::Display;
use std::time::{Duration, Instant};

use shared::linux::failure::Failure;

#[derive(Clone, Copy, clap::Args)]
pub struct Patience {
    /// Give up with 124 after waiting so long for the other side: to come, or to move a byte (0s: never)
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = shared::harness::duration::parse)]
    timeout: Duration,
}

impl Patience {
    pub fn of(timeout: Duration) -> Patience {
        Patience { timeout }
    }

    /// How long one wait may last; `None` is for ever.
    pub fn limit(&self) -> Option<Duration> {
        Some(self.timeout).filter(|timeout| !timeout.is_zero())
    }

    /// When a wait that begins now is over.
    pub fn deadline(&self) -> Option<Instant> {
        self.limit().and_then(|limit| Instant::now().checked_add(limit))
    }

    /// The error of whoever has waited in vain for `what`.
    pub fn passed(&self, what: impl Display) -> Failure {
        Failure::Deadline(format!("wait for {what}: --timeout {} passed", humantime::format_duration(self.timeout)))
    }
}
