//! New pages of this process's own, to be touched one by one.
//!
//! Man: mmap(2), madvise(2) at MADV_HUGEPAGE, getrusage(2) at ru_minflt.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;

use anyhow::Context;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, munmap};
use shared::linux::memory::page_size;
use shared::linux::usage::Usage;

/// How many pages the experiments touch.
pub const PAGES: NonZeroUsize = NonZeroUsize::new(1000).unwrap();

/// Memory that nobody has touched yet.
pub struct Pages {
    start: NonNull<u8>,
    size: NonZeroUsize,
}

impl Pages {
    /// `count` small pages, and the size of one. A huge page would be copied whole by its first fault.
    pub fn private(count: NonZeroUsize) -> anyhow::Result<(Pages, usize)> {
        let page = page_size()?;
        let size = count.checked_mul(page).context("so many pages are more than memory has addresses")?;
        Ok((Pages::advised(size, MmapAdvise::MADV_NOHUGEPAGE)?, page.get()))
    }

    /// In pages of the size that is advised, if the kernel follows.
    pub fn advised(size: NonZeroUsize, advice: MmapAdvise) -> anyhow::Result<Pages> {
        let (protection, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE);
        // SAFETY: new pages at an address of the kernel's choice touch nothing of ours.
        #[allow(unsafe_code, reason = "mmap(2) could overwrite other mappings")]
        unsafe {
            let start = mmap_anonymous(None, size, protection, flags).context("mmap")?;
            // EINVAL: a kernel without huge pages.
            let _ = madvise(start, size.get(), advice);
            Ok(Pages { start: start.cast(), size })
        }
    }
}

impl Deref for Pages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: mapped, all zero at first, and ours until dropped.
        #[allow(unsafe_code, reason = "the pointer stands for owned memory, as in Box")]
        unsafe {
            slice::from_raw_parts(self.start.as_ptr(), self.size.get())
        }
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and nobody else has a reference.
        #[allow(unsafe_code, reason = "the pointer stands for owned memory, as in Box")]
        unsafe {
            slice::from_raw_parts_mut(self.start.as_ptr(), self.size.get())
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: no reference into it is left.
        #[allow(unsafe_code, reason = "munmap(2) could unmap what is used")]
        let _ = unsafe { munmap(self.start.cast(), self.size.get()) };
    }
}

pub fn faults_of_writing(pages: &mut [u8], page: usize) -> anyhow::Result<i64> {
    faults_of(|| write_each(pages, page))
}

pub fn faults_of(work: impl FnOnce()) -> anyhow::Result<i64> {
    let before = Usage::now()?;
    work();
    Ok((Usage::now()? - before).faults)
}

pub fn read_each(pages: &[u8], page: usize) {
    black_box(pages.iter().step_by(page).fold(0, |all, byte| all ^ byte));
}

pub fn write_each(pages: &mut [u8], page: usize) {
    pages.iter_mut().step_by(page).for_each(|byte| *byte = 1);
    black_box(pages);
}
