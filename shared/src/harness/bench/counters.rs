//! What the kernel counts of a task: its calls of read(2) and write(2), and how often it lost the CPU.
//!
//! The kernel shows only these counts to everybody; to count all system calls takes perf's
//! tracepoints, which need privileges. recv(2), kill(2), futex(2) and epoll_wait(2) are not among them.
//!
//! Man: proc_pid_io(5) (syscr, syscw), proc_pid_status(5) (ctxt_switches).

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// `None` where the kernel was built without these counters, or does not show them.
    pub(super) reads_writes: Option<u64>,
    pub(super) switches: u64,
}

impl Counters {
    /// The counters of the task that has this folder in /proc.
    pub(super) fn of(task: &Path) -> anyhow::Result<Counters> {
        let path = task.join("status");
        let status = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let switches = sum(&status, ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"]);
        let switches = switches.with_context(|| format!("{}: no switches", path.display()))?;
        let path = task.join("io");
        let reads_writes = match fs::read_to_string(&path) {
            Ok(io) => sum(&io, ["syscr", "syscw"]),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => None,
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        Ok(Counters { reads_writes, switches })
    }

    pub(super) fn plus(self, other: Counters) -> Counters {
        let reads_writes = self.reads_writes.zip(other.reads_writes).map(|(one, other)| one + other);
        Counters { reads_writes, switches: self.switches + other.switches }
    }

    pub(super) fn since(self, before: Counters) -> Counters {
        let reads_writes = self.reads_writes.zip(before.reads_writes).map(|(now, before)| now - before);
        Counters { reads_writes, switches: self.switches - before.switches }
    }
}

/// The sum of two fields, of lines like `syscr: 10`.
fn sum(lines: &str, fields: [&str; 2]) -> Option<u64> {
    let value = |field| {
        let mut pairs = lines.lines().filter_map(|line| line.split_once(':'));
        pairs.find(|(name, _)| *name == field)?.1.trim().parse::<u64>().ok()
    };
    fields.into_iter().map(value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_counted() {
        let this = Path::new("/proc/thread-self");
        let before = Counters::of(this).unwrap();
        for _ in 0..100 {
            fs::read("/proc/self/comm").unwrap();
        }
        let counted = Counters::of(this).unwrap().since(before);
        assert!(counted.reads_writes.is_none_or(|calls| calls >= 200), "{counted:?}");
    }
}
