//! Which frames of physical memory a parent and its child have in common: those of the code, those that
//! neither has written, and those of memory that they share.
//!
//! `smaps` tells for each mapping how much of it is in frames that others have too. The numbers of the
//! frames are for the privileged only.
//!
//! Note: 进程的衍生 ("共享代码段"), 进程的空间 ("共享页框"). Go: `syscall.Mmap`. Man: fork(2),
//! proc_pid_smaps(5), proc_pid_pagemap(5).

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use shared::harness::claims::{Check, Seen};

use super::child::seen_by_child;
use super::pages::{private_pages, write_each};
use super::smaps::{Smaps, frame};
use shared::linux::child::Children;
use shared::linux::memory::{SharedMemory, page_size};

pub const CHECKS: &[Check] = &[
    (7, copies_but_of_the_code),
    (45, one_address_two_places),
    (50, some_frames_are_common),
    (52, shared_memory_is_shared_frames),
];

/// A byte and the frame that it is in.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Place {
    byte: u8,
    frame: Option<u64>,
}

impl Place {
    fn of(byte: &AtomicU8) -> anyhow::Result<Place> {
        Ok(Place { byte: byte.load(SeqCst), frame: frame(byte.as_ptr().addr())? })
    }
}

/// Whether two frames are one: known to the privileged.
fn same(one: Option<u64>, other: Option<u64>) -> Option<bool> {
    Some(one? == other?)
}

fn show(same: Option<bool>) -> &'static str {
    match same {
        Some(true) => "same frame",
        Some(false) => "other frame",
        None => "frames not told",
    }
}

static DATA: AtomicU8 = AtomicU8::new(b'P');

fn copies_but_of_the_code() -> anyhow::Result<Seen> {
    let (heap, stack) = (Box::new(AtomicU8::new(b'P')), AtomicU8::new(b'P'));
    let bytes = [&DATA, &*heap, &stack];
    let code = (copies_but_of_the_code as fn() -> anyhow::Result<Seen> as *const ()).addr();
    Smaps::at(code)?;
    let (written, code_frame, shared) = seen_by_child(&Children::helpers(), || {
        for byte in bytes {
            byte.store(b'C', SeqCst);
        }
        let written = bytes.iter().map(|byte| Place::of(byte)).collect::<anyhow::Result<Vec<_>>>()?;
        Ok((written, frame(code)?, Smaps::at(code)?))
    })?;
    let kept = bytes.iter().map(|byte| Place::of(byte)).collect::<anyhow::Result<Vec<_>>>()?;
    let pairs = || kept.iter().zip(&written);
    let copied = pairs().filter(|(kept, written)| {
        (kept.byte, written.byte) == (b'P', b'C') && same(kept.frame, written.frame) != Some(true)
    });
    let (copied, code) = (copied.count(), same(frame(code)?, code_frame));
    let as_noted = copied == 3 && shared.shared > 0 && shared.anonymous == 0 && code != Some(false);
    let evidence = format!(
        "{copied} of data, heap, stack changed in the child only; code: {} KiB of {} shared, {} copied; {}",
        shared.shared,
        shared.rss,
        shared.anonymous,
        show(code),
    );
    Ok(Seen::holds(as_noted, evidence))
}

fn one_address_two_places() -> anyhow::Result<Seen> {
    let byte = AtomicU8::new(b'P');
    let (address, theirs) = seen_by_child(&Children::helpers(), || {
        byte.store(b'C', SeqCst);
        Ok((byte.as_ptr().addr(), Place::of(&byte)?))
    })?;
    let ours = Place::of(&byte)?;
    let frames = same(ours.frame, theirs.frame);
    let two = address == byte.as_ptr().addr() && ours.byte != theirs.byte && frames != Some(true);
    let [parent, child] = [ours.byte, theirs.byte].map(char::from);
    Ok(Seen::holds(two, format!("{address:#x}: {parent} in the parent, {child} in the child; {}", show(frames))))
}

const PAGES: usize = 100;

fn pages() -> anyhow::Result<NonZeroUsize> {
    Ok(page_size()?.saturating_mul(NonZeroUsize::new(PAGES).context("no pages")?))
}

/// The child writes half of what its parent has written.
fn some_frames_are_common() -> anyhow::Result<Seen> {
    let (size, page) = (pages()?, page_size()?.get());
    let written = private_pages(size)?;
    write_each(written, page);
    let address = written.as_ptr().addr();
    Smaps::at(address)?;
    let half = u64::try_from(size.get() / 2 / 1024)?;
    let (mine, code) = seen_by_child(&Children::helpers(), || {
        write_each(&mut written[..size.get() / 2], page);
        let code = pages as fn() -> anyhow::Result<NonZeroUsize> as *const ();
        Ok((Smaps::at(address)?, Smaps::at(code.addr())?))
    })?;
    let evidence = format!(
        "of {} KiB the child wrote {half}: {} its own, {} shared still; of its code {} KiB shared",
        mine.rss, mine.private, mine.shared, code.shared,
    );
    Ok(Seen::imprecise(mine.private >= half, mine.shared >= half && code.shared > 0, evidence))
}

/// The child writes to the page that it shares with its parent.
fn shared_memory_is_shared_frames() -> anyhow::Result<Seen> {
    let byte = SharedMemory::new(AtomicU8::new(b'P'))?;
    let address = byte.as_ptr().addr();
    Smaps::at(address)?;
    let (theirs, smaps) = seen_by_child(&Children::helpers(), || {
        byte.store(b'C', SeqCst);
        Ok((Place::of(&byte)?, Smaps::at(address)?))
    })?;
    let ours = Place::of(&byte)?;
    let frames = same(ours.frame, theirs.frame);
    let Smaps { rss, pss, shared, .. } = smaps;
    let is_shared = ours.byte == b'C' && shared > 0 && shared == rss && pss * 2 == rss && frames != Some(false);
    let evidence = format!(
        "the child wrote C, the parent reads {}; {shared} KiB of {rss} are shared, each counted as {pss}; {}",
        char::from(ours.byte),
        show(frames),
    );
    Ok(Seen::holds(is_shared, evidence))
}
