//! The systems on which all claims were asked, and what came of it: docs/systems.toml, which `make kernels` writes.
//!
//! Man: uname(2), sysconf(3), gnu_get_libc_version(3).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

use anyhow::Context;
use nix::sys::utsname::uname;
use serde::{Deserialize, Serialize};

use super::record::{Observed, Record};
use crate::harness::report::Report;
use crate::linux::memory::page_size;

/// Numbers of claims, and why not, or what was seen instead.
pub type Numbers = BTreeMap<u16, String>;

/// What the claims came to on a system.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names say it")]
pub struct System {
    pub release: String,
    pub architecture: String,
    pub libc: String,
    pub page_size: usize,
    pub cpus: usize,
    /// Number of claims that were seen as recorded.
    pub as_recorded: usize,
    pub skipped: Numbers,
    pub otherwise: Numbers,
    pub failed: Numbers,
}

/// All of them, as the file holds them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the name says it")]
pub struct Systems {
    pub system: Vec<System>,
}

/// Those of docs/systems.toml.
pub fn systems(path: &Path) -> anyhow::Result<Vec<System>> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let systems: Systems = toml::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(systems.system)
}

/// This one, as an entry of the file.
pub(super) fn print(out: &mut Report, records: &[Record]) -> anyhow::Result<()> {
    let entry = toml::to_string(&Systems { system: vec![here(records)?] })?;
    out.line(format_args!("{}\n", entry.trim_end()))
}

fn here(records: &[Record]) -> anyhow::Result<System> {
    let name = uname().context("uname")?;
    let of = |is_one: fn(&Record) -> bool| {
        let those = records.iter().filter(|record| is_one(record));
        those.map(|record| (record.claim, record.evidence.clone().unwrap_or_default())).collect()
    };
    Ok(System {
        release: name.release().to_string_lossy().into_owned(),
        architecture: name.machine().to_string_lossy().into_owned(),
        libc: libc(),
        page_size: page_size()?.get(),
        cpus: available_parallelism().context("sched_getaffinity")?.get(),
        as_recorded: records.iter().filter(|record| record.is_as_recorded()).count(),
        skipped: of(|record| record.observed == Some(Observed::Skipped)),
        otherwise: of(Record::is_otherwise),
        failed: of(|record| record.observed == Some(Observed::Failed)),
    })
}

#[cfg(target_env = "gnu")]
fn libc() -> String {
    // SAFETY: it returns a string that stays.
    #[allow(unsafe_code, reason = "the C library tells its version by a pointer")]
    let version = unsafe { std::ffi::CStr::from_ptr(nix::libc::gnu_get_libc_version()) };
    format!("glibc {}", version.to_string_lossy())
}

/// musl does not tell its version.
#[cfg(not(target_env = "gnu"))]
fn libc() -> String {
    "musl".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::claims::verdict::Verdict;

    fn record(claim: u16, observed: Observed) -> Record {
        let [heading, says, command] = ["管道", "…", "pipe-demo os-pipe"].map(str::to_owned);
        let listed = Record { claim, heading, says, verdict: Verdict::Holds, observed: None, evidence: None, command };
        listed.with((observed, format!("evidence {claim}")))
    }

    #[test]
    fn each_claim_counts_once_as_recorded_skipped_otherwise_or_failed() {
        let seen = [Verdict::Holds, Verdict::Refuted].map(Observed::Seen);
        let all = [seen[0], Observed::Skipped, seen[1], Observed::Failed, seen[0]];
        let records: Vec<Record> = (1..).zip(all).map(|(claim, observed)| record(claim, observed)).collect();
        let system = here(&records).unwrap();
        assert_eq!(system.as_recorded, 2);
        let others = [(&system.skipped, 2), (&system.otherwise, 3), (&system.failed, 4)];
        for (numbers, claim) in others {
            assert_eq!(*numbers, Numbers::from([(claim, format!("evidence {claim}"))]));
        }
        let text = toml::to_string(&Systems { system: vec![system] }).unwrap();
        let read: Systems = toml::from_str(&text).unwrap();
        assert_eq!(toml::to_string(&read).unwrap(), text);
    }
}
