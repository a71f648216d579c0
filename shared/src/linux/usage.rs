//! What the kernel has counted for a process.
//!
//! Note: 进程的切换和调度. Go: `syscall.Getrusage`. Man: getrusage(2).

use std::ops::Sub;

use anyhow::Context;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use serde::{Deserialize, Serialize};

/// Counters of one process, or of several.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time in user mode, in microseconds.
    pub user: i64,
    /// CPU time in the kernel, in microseconds.
    pub system: i64,
    /// Voluntary context switches: the process gave up the CPU.
    pub voluntary: i64,
    /// Involuntary context switches: the CPU was taken from it.
    pub involuntary: i64,
    /// Page faults that read nothing from disk.
    pub faults: i64,
}

impl Usage {
    /// The counters of this process.
    pub fn now() -> anyhow::Result<Usage> {
        Usage::of(UsageWho::RUSAGE_SELF)
    }

    /// The counters of its children that have been waited for.
    pub fn of_children() -> anyhow::Result<Usage> {
        Usage::of(UsageWho::RUSAGE_CHILDREN)
    }

    fn of(who: UsageWho) -> anyhow::Result<Usage> {
        let usage = getrusage(who).context("getrusage")?;
        let microseconds = |time: TimeVal| time.num_microseconds();
        Ok(Usage {
            user: microseconds(usage.user_time()),
            system: microseconds(usage.system_time()),
            voluntary: usage.voluntary_context_switches(),
            involuntary: usage.involuntary_context_switches(),
            faults: usage.minor_page_faults(),
        })
    }

    /// CPU time of both kinds, in microseconds.
    pub fn cpu(self) -> i64 {
        self.user + self.system
    }

    /// Context switches of both kinds.
    pub fn switches(self) -> i64 {
        self.voluntary + self.involuntary
    }
}

impl Sub for Usage {
    type Output = Usage;

    fn sub(self, before: Usage) -> Usage {
        Usage {
            user: self.user - before.user,
            system: self.system - before.system,
            voluntary: self.voluntary - before.voluntary,
            involuntary: self.involuntary - before.involuntary,
            faults: self.faults - before.faults,
        }
    }
}
