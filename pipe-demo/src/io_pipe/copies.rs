//! How often bytes are copied on their way: page faults tell who copies from the writer's pages.
//!
//! The writer sends pages that nobody has touched yet. Whoever copies from them takes a page fault for each:
//! in memory it is the reader, who copies them to where it wants them. Into the kernel's pipe the writer
//! copies, and the reader once more out of it.
//!
//! Note: 管道 ("只会被复制一次"). Man: getrusage(2) at RUSAGE_THREAD, mmap(2).

use std::fs;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::thread;

use anyhow::{Context, anyhow};
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous};
use nix::sys::resource::{UsageWho, getrusage};
use serde::Serialize;
use shared::linux::thread::spawn_scoped;

use crate::memory_pipe::pipe::pipe;
use shared::linux::memory::page_size;

const PAGES: usize = 256;

/// Page faults of each side while [`PAGES`] went through, and of how many descriptors the pipe is made.
#[derive(Serialize)]
pub struct Copied {
    pub pipe: &'static str,
    pub descriptors: usize,
    pub pages: usize,
    pub faults_of_writer: usize,
    pub faults_of_reader: usize,
}

pub fn in_memory() -> anyhow::Result<Copied> {
    let before = descriptors()?;
    let (reader, writer) = pipe();
    let made_of = descriptors()? - before;
    send_pages("in memory", made_of, move |pages| (&writer).write_all(pages), |room| (&reader).read_exact(room))
}

pub fn in_the_kernel() -> anyhow::Result<Copied> {
    let before = descriptors()?;
    let (mut reader, mut writer) = io::pipe().context("pipe")?;
    let made_of = descriptors()? - before;
    send_pages("of the kernel", made_of, move |pages| writer.write_all(pages), |room| reader.read_exact(room))
}

fn descriptors() -> anyhow::Result<usize> {
    Ok(fs::read_dir("/proc/self/fd").context("read /proc/self/fd")?.count())
}

fn send_pages(
    pipe: &'static str,
    descriptors: usize,
    write: impl FnOnce(&[u8]) -> io::Result<()> + Send,
    read: impl FnOnce(&mut [u8]) -> io::Result<()>,
) -> anyhow::Result<Copied> {
    let pages = untouched_pages()?;
    let mut room = vec![1; pages.len()]; // Touched: its faults do not count.
    // Each end is dropped with its closure, whatever came of it, so that the other side does not wait.
    let (faults_of_reader, faults_of_writer) = thread::scope(|scope| {
        let writing = spawn_scoped(scope, || faults_of(|| write(pages)))?;
        anyhow::Ok((faults_of(|| read(&mut room)), writing.join()))
    })?;
    let faults_of_writer = faults_of_writer.map_err(|_| anyhow!("the writer panicked"))?.context("write the pipe")?;
    let faults_of_reader = faults_of_reader.context("read the pipe")?;
    Ok(Copied { pipe, descriptors, pages: PAGES, faults_of_writer, faults_of_reader })
}

/// The minor page faults of this thread meanwhile.
fn faults_of(action: impl FnOnce() -> io::Result<()>) -> io::Result<usize> {
    let faults = || getrusage(UsageWho::RUSAGE_THREAD).map(|usage| usage.minor_page_faults());
    let before = faults()?;
    action()?;
    Ok(usize::try_from(faults()? - before).unwrap_or_default())
}

/// Small ones: of a huge page the first fault would touch much at once. They stay until the program ends.
fn untouched_pages() -> anyhow::Result<&'static [u8]> {
    let size = page_size()?.checked_mul(const { NonZeroUsize::new(PAGES).unwrap() }).context("so many pages")?;
    // SAFETY: new pages at an address of the kernel's choice, all zero; nobody can write to them, and they are
    // never unmapped.
    #[allow(unsafe_code, reason = "mmap(2) could overwrite other mappings")]
    unsafe {
        let pages = mmap_anonymous(None, size, ProtFlags::PROT_READ, MapFlags::MAP_PRIVATE).context("mmap")?;
        // EINVAL: a kernel without huge pages.
        let _ = madvise(pages, size.get(), MmapAdvise::MADV_NOHUGEPAGE);
        Ok(std::slice::from_raw_parts(pages.cast().as_ptr(), size.get()))
    }
}
