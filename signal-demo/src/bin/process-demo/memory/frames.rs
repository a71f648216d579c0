//! Which frames of physical memory a parent and its child have in common: those that neither has written, and those
//! of memory that they share.
//!
//! `smaps` tells for each mapping how much of it is in frames that others have too.
//!
//! Note: 进程的空间 ("共享页框"). Go: `syscall.Mmap`. Man: fork(2), proc_pid_smaps(5), proc_pid_pagemap(5).

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use serde::Serialize;
use shared::linux::child::teller::seen_by_child;
use shared::linux::memory::SharedMemory;

use super::addresses::Address;
use crate::frame::{Place, Smaps, same};
use crate::pages::{Pages, write_each};

/// One address in two processes, the byte there, and whether both are in one frame, which is told to the privileged.
#[derive(Serialize)]
pub struct OneAddress {
    pub address: Address,
    pub parent_reads: char,
    pub child_reads: char,
    pub same_frame: Option<bool>,
}

/// The child writes to its byte.
pub fn one_address_two_places() -> anyhow::Result<OneAddress> {
    // ANCHOR: address
    let byte = AtomicU8::new(b'P');
    let theirs = seen_by_child(|| {
        byte.store(b'C', SeqCst);
        Place::of(&byte)
    })?;
    let ours = Place::of(&byte)?;
    // ANCHOR_END: address
    Ok(OneAddress {
        address: Address(byte.as_ptr().addr()),
        parent_reads: ours.byte,
        child_reads: theirs.byte,
        same_frame: same(ours.frame, theirs.frame),
    })
}

/// Of memory that the parent has written, and the child half of it again.
#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "the unit is a part of the keys")]
pub struct Common {
    pub written_kib: u64,
    pub child_wrote_kib: u64,
    pub childs_own_kib: u64,
    pub still_shared_kib: u64,
    pub code_shared_kib: u64,
}

pub fn common_frames() -> anyhow::Result<Common> {
    const PAGES: NonZeroUsize = NonZeroUsize::new(100).unwrap();
    // ANCHOR: common
    let (mut written, page) = Pages::private(PAGES)?;
    write_each(&mut written, page);
    let half = written.len() / 2;
    let (mine, code) = seen_by_child(|| {
        write_each(&mut written[..half], page);
        let code = common_frames as fn() -> anyhow::Result<Common> as *const ();
        Ok((Smaps::at(written.as_ptr().addr())?, Smaps::at(code.addr())?))
    })?;
    // ANCHOR_END: common
    Ok(Common {
        written_kib: mine.rss,
        child_wrote_kib: u64::try_from(half / 1024)?,
        childs_own_kib: mine.private,
        still_shared_kib: mine.shared,
        code_shared_kib: code.shared,
    })
}

/// A page of shared memory: a part of `counted_kib` counts for each process that has it.
#[derive(Serialize)]
pub struct SharedPage {
    pub child_wrote: char,
    pub parent_reads: char,
    pub page_kib: u64,
    pub shared_kib: u64,
    pub counted_kib: u64,
    pub same_frame: Option<bool>,
}

/// The child writes to the page that it shares with its parent.
pub fn shared_page() -> anyhow::Result<SharedPage> {
    let byte = SharedMemory::new(AtomicU8::new(b'P'))?;
    let (theirs, smaps) = seen_by_child(|| {
        byte.store(b'C', SeqCst);
        Ok((Place::of(&byte)?, Smaps::at(byte.as_ptr().addr())?))
    })?;
    let ours = Place::of(&byte)?;
    Ok(SharedPage {
        child_wrote: theirs.byte,
        parent_reads: ours.byte,
        page_kib: smaps.rss,
        shared_kib: smaps.shared,
        counted_kib: smaps.pss,
        same_frame: same(ours.frame, theirs.frame),
    })
}
