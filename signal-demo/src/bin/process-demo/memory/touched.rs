//! Memory gets a frame when it is first touched, by a page fault and no system call; after that the CPU finds the
//! frame by itself. How large a page is, the kernel chooses among the CPU's sizes.
//!
//! Note: 进程的空间 ("内核和CPU会负责维护…映射关系", "页框"). Go: `syscall.Mmap`. Man: mmap(2),
//! madvise(2) at MADV_HUGEPAGE, getrusage(2) at ru_minflt.

use std::fs;
use std::num::NonZeroUsize;

use anyhow::Context;
use nix::sys::mman::MmapAdvise;
use serde::Serialize;
use shared::linux::failure::accessible;
use shared::linux::memory::page_size;

use crate::pages::{PAGES, Pages, faults_of_writing};

#[derive(Serialize)]
pub struct Touched {
    pub pages: usize,
    pub faults_of_first_touch: i64,
    pub faults_after_that: i64,
}

// ANCHOR: touch
/// A fault is the CPU asking the kernel; the second time it need not ask.
pub fn first_touch() -> anyhow::Result<Touched> {
    let (mut pages, page) = Pages::private(PAGES)?;
    Ok(Touched {
        pages: PAGES.get(),
        faults_of_first_touch: faults_of_writing(&mut pages, page)?,
        faults_after_that: faults_of_writing(&mut pages, page)?,
    })
}
// ANCHOR_END: touch

/// The page faults of as much memory as one huge page has.
#[derive(Serialize)]
pub struct PageSizes {
    pub page: usize,
    pub huge_page: usize,
    pub faults_in_pages: i64,
    pub faults_in_huge_pages: i64,
}

pub fn page_sizes() -> anyhow::Result<PageSizes> {
    let (page, huge) = (page_size()?.get(), huge_page_size()?);
    let [small, large] = [MmapAdvise::MADV_NOHUGEPAGE, MmapAdvise::MADV_HUGEPAGE].map(|advice| {
        let mut pages = Pages::advised(huge.saturating_add(huge.get()), advice)?;
        let aligned = pages.as_ptr().align_offset(huge.get());
        faults_of_writing(&mut pages[aligned..][..huge.get()], page)
    });
    Ok(PageSizes { page, huge_page: huge.get(), faults_in_pages: small?, faults_in_huge_pages: large? })
}

/// The size of the page that the kernel joins small ones to.
fn huge_page_size() -> anyhow::Result<NonZeroUsize> {
    let file = "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size";
    let size = accessible("the kernel joins no pages", fs::read_to_string(file))?;
    size.trim().parse().with_context(|| format!("{file}: {size}"))
}
