//! Memory page by page: it gets a frame when it is first touched, by a page fault and no system call; after
//! that the CPU finds the frame by itself. How large a page is, the kernel chooses among the CPU's sizes.
//!
//! Note: 进程的空间 ("内核和CPU会负责维护…映射关系", "页框"). Go: `syscall.Mmap`. Man: mmap(2),
//! madvise(2) at MADV_HUGEPAGE, getrusage(2) at ru_minflt.

use std::fs;
use std::num::NonZeroUsize;

use anyhow::Context;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous};
use shared::harness::claims::{Check, Seen};
use shared::linux::failure::Failure;

use shared::linux::memory::page_size;
use shared::linux::usage::Usage;

pub const CHECKS: &[Check] = &[(47, both_keep_the_mapping), (51, who_divides)];

const PAGES: usize = 1000;

/// A fault is the CPU asking the kernel; the second time it need not ask.
fn both_keep_the_mapping() -> anyhow::Result<Seen> {
    let page = page_size()?;
    let pages = private_pages(page.saturating_mul(NonZeroUsize::new(PAGES).context("no pages")?))?;
    let [first, second] = [faults_of_writing(pages, page)?, faults_of_writing(pages, page)?];
    let count = i64::try_from(PAGES)?;
    let asked_once = (count..count + count / 10).contains(&first) && second < count / 10;
    Ok(Seen::holds(asked_once, format!("{PAGES} pages: {first} faults when first touched, {second} after that")))
}

/// The same memory, in pages of two sizes.
fn who_divides() -> anyhow::Result<Seen> {
    let page = page_size()?;
    let huge = huge_page_size()?;
    let count = i64::try_from(huge.get() / page)?;
    let [small, large] = [MmapAdvise::MADV_NOHUGEPAGE, MmapAdvise::MADV_HUGEPAGE].map(|advice| {
        let pages = new_pages(huge.saturating_mul(NonZeroUsize::MIN.saturating_add(1)), advice)?;
        let aligned = pages.as_ptr().align_offset(huge.get());
        faults_of_writing(&mut pages[aligned..][..huge.get()], page)
    });
    let (small, large) = (small?, large?);
    if large >= count {
        return Err(Failure::CannotShow("the kernel gives no huge page now".into()).into());
    }
    let evidence = format!("{huge} bytes: {small} faults in pages of {page}, {large} after MADV_HUGEPAGE");
    Ok(Seen::imprecise(small >= count, large < count / 10, evidence))
}

/// What the kernel joins small pages to.
fn huge_page_size() -> anyhow::Result<NonZeroUsize> {
    let cannot = || Failure::CannotShow("the kernel joins no pages".into());
    let size = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size").map_err(|_| cannot())?;
    Ok(size.trim().parse().map_err(|_| cannot())?)
}

fn faults_of_writing(pages: &mut [u8], page: NonZeroUsize) -> anyhow::Result<i64> {
    let before = Usage::now()?;
    write_each(pages, page.get());
    Ok((Usage::now()? - before).faults)
}

/// Small pages: of a huge one the first fault would copy much at once. They stay until the program ends.
pub fn private_pages(size: NonZeroUsize) -> anyhow::Result<&'static mut [u8]> {
    new_pages(size, MmapAdvise::MADV_NOHUGEPAGE)
}

fn new_pages(size: NonZeroUsize, advice: MmapAdvise) -> anyhow::Result<&'static mut [u8]> {
    let (protection, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE);
    // SAFETY: new pages at an address of the kernel's choice, all zero; they are never unmapped, and this is
    // the only reference to them.
    #[allow(unsafe_code, reason = "mmap(2) could overwrite other mappings")]
    unsafe {
        let pages = mmap_anonymous(None, size, protection, flags).context("mmap")?;
        // EINVAL: a kernel without huge pages.
        let _ = madvise(pages, size.get(), advice);
        Ok(std::slice::from_raw_parts_mut(pages.cast().as_ptr(), size.get()))
    }
}

pub fn read_each(pages: &[u8], page: usize) {
    std::hint::black_box(pages.iter().step_by(page).fold(0, |all, byte| all ^ byte));
}

pub fn write_each(pages: &mut [u8], page: usize) {
    pages.iter_mut().step_by(page).for_each(|byte| *byte = 1);
    std::hint::black_box(pages);
}
