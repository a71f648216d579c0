//! A byte, and the frame of physical memory that it is in.
//!
//! The numbers of the frames are for the privileged only.
//!
//! Note: 进程的空间 ("页框"). Go: none. Man: proc_pid_pagemap(5).

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use shared::linux::memory::page_size;

use crate::showing::{accessible, possible};

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
    let Ok(pagemap) = possible(pagemap)? else { return Ok(None) };
    let mut entry = [0; 8];
    let entry_at = u64::try_from(address / page_size()? * entry.len())?;
    pagemap.read_exact_at(&mut entry, entry_at).context("read /proc/self/pagemap")?;
    let entry = u64::from_ne_bytes(entry);
    // Without privileges all numbers are 0.
    Ok(Some(entry & NUMBER).filter(|&number| entry & PRESENT != 0 && number != 0))
}
