//! What a forked child has of its parent: copies of its memory, page by page, as soon as one of them
//! writes; and what exec(2) leaves of a process: its PID.
//!
//! Note: 进程的衍生 ("写时复制", "exec"), 进程的空间 ("共享页框"). Go: none, its programs cannot fork.
//! Man: fork(2), getrusage(2) at ru_minflt, execve(2), process_vm_readv(2).

mod copies;
mod exec;
mod many;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use serde::{Deserialize, Serialize};
use shared::harness::report::Report;
use shared::linux::child::teller::{Teller, seen_by_child};
use shared::linux::child::{Children, wait_for};
use shared::linux::gate::Gate;
use shared::linux::memory::SharedMemory;

pub use self::copies::copies;
pub use self::exec::exec_in_child;
pub use self::many::many_children;
use crate::pages::{PAGES, Pages, faults_of, faults_of_writing, read_each, write_each};
use crate::showing::Showing;

#[derive(clap::Args)]
pub struct Args {
    /// Pages that the parent has written before it forks
    #[arg(long, value_name = "N", default_value_t = PAGES)]
    pages: NonZeroUsize,
}

/// A byte that parent, child and sibling have, written by the child, then by the parent.
#[derive(Serialize)]
pub struct Written {
    pub memory: &'static str,
    pub parent_wrote: char,
    pub child_wrote: char,
    pub parent_reads: char,
    pub then_wrote: char,
    pub sibling_reads: char,
}

/// The page faults of a child, in pages that its parent has written.
#[derive(Serialize, Deserialize)]
pub struct CopyOnWrite {
    pub pages: usize,
    pub faults_of_reading: i64,
    pub faults_of_writing: i64,
    pub faults_of_writing_again: i64,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut showing = Showing::new(out);
    showing.record("many children", many_children())?;
    showing.record("copies of data, heap and stack", copies())?;
    showing.records("writing", write_in_child())?;
    showing.record("copy-on-write", count_faults(args.pages))?;
    showing.record("exec", exec_in_child())?;
    showing.finish()
}

/// The child writes to both bytes, then the parent does; of the private one each sees its own doing only.
pub fn write_in_child() -> anyhow::Result<[Written; 2]> {
    let (children, gate) = (Children::helpers(), Gate::new()?);
    // ANCHOR: writing
    let (private, shared) = (AtomicU8::new(b'P'), SharedMemory::new(AtomicU8::new(b'P'))?);
    let bytes = [("private", &private), ("shared", &*shared)];
    let sibling = Teller::fork(&children, || {
        gate.pass()?;
        Ok(bytes.map(|(_, byte)| byte.load(SeqCst)))
    })?;
    wait_for(children.fork(|| {
        for (_, byte) in bytes {
            byte.store(b'C', SeqCst);
        }
        u8::from(private.load(SeqCst) != b'C')
    })?)?;
    let parent_reads = bytes.map(|(_, byte)| byte.swap(b'Q', SeqCst));
    gate.open(1)?;
    let sibling_reads = sibling.hear()?;
    // ANCHOR_END: writing
    Ok([0, 1].map(|n| Written {
        memory: bytes[n].0,
        parent_wrote: 'P',
        child_wrote: 'C',
        parent_reads: parent_reads[n].into(),
        then_wrote: 'Q',
        sibling_reads: sibling_reads[n].into(),
    }))
}

// ANCHOR: faults
/// The child reads all pages, which copies none; writes to all, which copies each; and
/// writes again.
pub fn count_faults(count: NonZeroUsize) -> anyhow::Result<CopyOnWrite> {
    let (mut pages, page) = Pages::private(count)?;
    write_each(&mut pages, page);
    seen_by_child(&Children::helpers(), || {
        Ok(CopyOnWrite {
            pages: count.get(),
            faults_of_reading: faults_of(|| read_each(&pages, page))?,
            faults_of_writing: faults_of_writing(&mut pages, page)?,
            faults_of_writing_again: faults_of_writing(&mut pages, page)?,
        })
    })
}
// ANCHOR_END: faults
