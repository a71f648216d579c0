//! What a mapping costs.
//!
//! Note: 进程的空间 ("页框"). Go: none. Man: proc_pid_smaps(5).

use std::fs;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::showing::accessible;

/// Of one mapping, or a sum of several, in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smaps {
    /// In frames.
    pub rss: u64,
    /// The same, but each frame divided by the number of those who have it.
    pub pss: u64,
    /// In frames that others have too.
    pub shared: u64,
    /// In frames of its own.
    pub private: u64,
    /// In frames that are no file's, or no longer.
    pub anonymous: u64,
}

impl Smaps {
    /// Of the mapping of this process that has `address`.
    pub fn at(address: usize) -> anyhow::Result<Smaps> {
        let text = accessible("read /proc/self/smaps", fs::read_to_string("/proc/self/smaps"))?;
        let mut lines = text.lines().skip_while(|line| !has(line, address));
        lines.next().with_context(|| format!("{address:#x} is not mapped"))?;
        Ok(Smaps::sum(lines.take_while(|line| range(line).is_none())))
    }

    fn sum<'a>(lines: impl Iterator<Item = &'a str>) -> Smaps {
        let mut sum = Smaps::default();
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim().trim_end_matches(" kB").parse().unwrap_or(0);
            match name {
                "Rss" => sum.rss += value,
                "Pss" => sum.pss += value,
                "Shared_Clean" | "Shared_Dirty" => sum.shared += value,
                "Private_Clean" | "Private_Dirty" => sum.private += value,
                "Anonymous" => sum.anonymous += value,
                _ => (),
            }
        }
        sum
    }
}

/// Whether this line begins the mapping that has `address`.
pub fn has(line: &str, address: usize) -> bool {
    range(line).is_some_and(|(start, end)| (start..end).contains(&address))
}

/// Of a line that begins a mapping, in /proc/PID/smaps and /proc/PID/maps.
pub fn range(line: &str) -> Option<(usize, usize)> {
    let (start, end) = line.split(' ').next()?.split_once('-')?;
    Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_found_by_an_address_in_it() {
        assert_eq!(range("7f00-8000 r-xp 00000000 00:00 0"), Some((0x7f00, 0x8000)));
        assert_eq!(range("Rss:     4 kB"), None);
        assert!(has("7f00-8000 r-xp", 0x7fff) && !has("7f00-8000 r-xp", 0x8000));
    }

    #[test]
    fn clean_and_dirty_are_added_up() {
        let lines = [
            "Rss: 12 kB",
            "Pss: 8 kB",
            "Shared_Clean: 4 kB",
            "Shared_Dirty: 4 kB",
            "Private_Dirty: 4 kB",
            "Anonymous: 1 kB",
        ];
        let sum = Smaps { rss: 12, pss: 8, shared: 8, private: 4, anonymous: 1 };
        assert_eq!(Smaps::sum(lines.into_iter()), sum);
    }
}
