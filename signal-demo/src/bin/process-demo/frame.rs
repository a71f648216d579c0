//! The frame of physical memory that a byte is in, and how many frames a mapping has, alone and with others.
//!
//! The numbers of the frames are for the privileged only.
//!
//! Note: 进程的空间 ("页框"). Go: none. Man: proc_pid_pagemap(5), proc_pid_smaps(5).

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use shared::linux::failure::{accessible, if_shown};
use shared::linux::memory::page_size;

/// Of one process, at one moment.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Place {
    pub byte: char,
    pub frame: Option<u64>,
}

impl Place {
    pub fn of(byte: &AtomicU8) -> anyhow::Result<Place> {
        Ok(Place { byte: byte.load(SeqCst).into(), frame: frame(byte.as_ptr().addr())? })
    }
}

/// Whether two frames are one: known to the privileged.
pub fn same(one: Option<u64>, other: Option<u64>) -> Option<bool> {
    Some(one? == other?)
}

/// The number of the frame behind an address, if there is one and we may know.
pub fn frame(address: usize) -> anyhow::Result<Option<u64>> {
    const PRESENT: u64 = 1 << 63;
    const NUMBER: u64 = (1 << 55) - 1;
    let pagemap = accessible("open /proc/self/pagemap", File::open("/proc/self/pagemap"));
    let Some(pagemap) = if_shown(pagemap)? else { return Ok(None) };
    let mut entry = [0; 8];
    let entry_at = u64::try_from(address / page_size()? * entry.len())?;
    pagemap.read_exact_at(&mut entry, entry_at).context("read /proc/self/pagemap")?;
    let entry = u64::from_ne_bytes(entry);
    // Without privileges all numbers are 0.
    Ok(Some(entry & NUMBER).filter(|&number| entry & PRESENT != 0 && number != 0))
}

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
