//! What a forked child has of its parent: copies of its memory, page by page, as soon as one of them
//! writes; and what exec(2) leaves of a process: its PID.
//!
//! Note: 进程的衍生 ("写时复制", "exec"), 进程的空间 ("共享页框"). Go: none, its programs cannot fork.
//! Man: fork(2), getrusage(2) at ru_minflt, execve(2).

use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use anyhow::Context;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous};
use nix::sys::resource::{UsageWho, getrusage};
use serde::Serialize;
use shared::report::Report;

use crate::children::{Children, wait_for};
use crate::sync::memory::{SharedMemory, page_size};

#[derive(clap::Args)]
pub struct Args {
    /// Pages that the parent has written before it forks
    #[arg(long, value_name = "N", default_value = "1000")]
    pages: NonZeroUsize,
}

#[derive(Serialize)]
struct Written {
    memory: &'static str,
    parent_wrote: char,
    child_wrote: char,
    parent_reads: char,
}

#[derive(Serialize)]
struct Copied {
    pages: usize,
    faults_of_reading: i64,
    faults_of_writing: i64,
    faults_of_writing_again: i64,
}

#[derive(Serialize)]
struct Exec {
    forked_pid: i32,
    pid_after_exec: String,
}

pub fn run(args: &Args, mut out: Report) -> anyhow::Result<()> {
    let children = Children::default();
    let private = AtomicU8::new(b'P');
    let shared = SharedMemory::new(AtomicU8::new(b'P'))?;
    for record in write_in_child(&children, &private, &shared)? {
        out.pairs(&record)?;
    }
    out.pairs(&count_faults(&children, args.pages)?)?;
    out.pairs(&exec_in_child(&children)?)
}

/// The child writes to both bytes; the parent sees what it did to the shared one only.
fn write_in_child(children: &Children, private: &AtomicU8, shared: &AtomicU8) -> anyhow::Result<[Written; 2]> {
    wait_for(children.fork(|| {
        private.store(b'C', Ordering::SeqCst);
        shared.store(b'C', Ordering::SeqCst);
        u8::from(private.load(Ordering::SeqCst) != b'C')
    })?)?;
    Ok([("private", private), ("shared", shared)].map(|(memory, byte)| Written {
        memory,
        parent_wrote: 'P',
        child_wrote: 'C',
        parent_reads: byte.load(Ordering::SeqCst).into(),
    }))
}

/// The child reads all pages, which copies none; writes to all, which copies each; and writes again.
fn count_faults(children: &Children, count: NonZeroUsize) -> anyhow::Result<Copied> {
    let page = page_size()?;
    let pages = private_pages(count.checked_mul(page).context("so many pages are more than memory has addresses")?)?;
    let page = page.get();
    write_each(pages, page);
    let faults = SharedMemory::new([const { AtomicI64::new(0) }; 3])?;
    wait_for(children.fork(|| {
        let steps: [fn(&mut [u8], usize); 3] = [|pages, page| read_each(pages, page), write_each, write_each];
        for (step, counted) in steps.into_iter().zip(faults.iter()) {
            let before = minor_faults();
            step(pages, page);
            counted.store(minor_faults() - before, Ordering::SeqCst);
        }
        0
    })?)?;
    let [faults_of_reading, faults_of_writing, faults_of_writing_again] =
        std::array::from_fn(|step| faults[step].load(Ordering::SeqCst));
    Ok(Copied { pages: count.get(), faults_of_reading, faults_of_writing, faults_of_writing_again })
}

/// Small pages: of a huge one the first fault would copy much at once. They stay until the program ends.
fn private_pages(size: NonZeroUsize) -> anyhow::Result<&'static mut [u8]> {
    let (protection, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE);
    // SAFETY: new pages at an address of the kernel's choice, all zero; they are never unmapped, and this is
    // the only reference to them.
    #[allow(unsafe_code, reason = "mmap(2) could overwrite other mappings")]
    unsafe {
        let pages = mmap_anonymous(None, size, protection, flags).context("mmap")?;
        // EINVAL: a kernel without huge pages.
        let _ = madvise(pages, size.get(), MmapAdvise::MADV_NOHUGEPAGE);
        Ok(std::slice::from_raw_parts_mut(pages.cast().as_ptr(), size.get()))
    }
}

fn read_each(pages: &[u8], page: usize) {
    std::hint::black_box(pages.iter().step_by(page).fold(0, |all, byte| all ^ byte));
}

fn write_each(pages: &mut [u8], page: usize) {
    pages.iter_mut().step_by(page).for_each(|byte| *byte = byte.wrapping_add(1));
    std::hint::black_box(pages);
}

fn minor_faults() -> i64 {
    getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.minor_page_faults())
}

/// The child becomes a shell, which prints its PID.
fn exec_in_child(children: &Children) -> anyhow::Result<Exec> {
    let (mut reader, writer) = io::pipe().context("pipe")?;
    let mut shell = Command::new("sh");
    shell.args(["-c", "echo $$"]).stdout(Stdio::from(writer));
    let child = children.fork(|| {
        let _ = shell.exec(); // Returns only when it failed.
        127
    })?;
    drop(shell); // Our write end is in it.
    let mut printed = String::new();
    reader.read_to_string(&mut printed).context("read the shell's stdout")?;
    wait_for(child)?;
    Ok(Exec { forked_pid: child.as_raw(), pid_after_exec: printed.trim_end().to_owned() })
}
