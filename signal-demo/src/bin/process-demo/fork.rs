//! What a forked child has of its parent: copies of its memory but of the code, page by page, as soon as one of them
//! writes; how many live at one time; and what exec(2) leaves of a process: its PID.
//!
//! Note: 进程的衍生 ("共享代码段", "写时复制", "exec"), 进程的空间 ("共享页框"). Go: none, its programs cannot fork.
//! Man: fork(2), proc_pid_smaps(5), getrusage(2) at ru_minflt, execve(2), process_vm_readv(2).

mod exec;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use anyhow::{Context, bail};
use libc::{WEXITED, WNOHANG, WNOWAIT};
use nix::unistd::{Pid, getpid, getppid};
use serde::{Deserialize, Serialize};
use shared::harness::report::Report;
use shared::harness::showing::Showing;
use shared::linux::child::event::waitid;
use shared::linux::child::teller::{Teller, seen_by_child};
use shared::linux::child::{Children, end_of, wait_for};
use shared::linux::gate::Gate;
use shared::linux::memory::SharedMemory;

pub use self::exec::exec_in_child;
use crate::frame::{Place, Smaps, frame, same};
use crate::pages::{PAGES, Pages, faults_of, faults_of_writing, read_each, write_each};

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

const MANY: usize = 20;

#[derive(Serialize)]
pub struct Many {
    pub forks: usize,
    pub alive_at_one_time: usize,
    /// Those whose PPID is our PID.
    pub with_our_pid_as_ppid: usize,
}

/// They all wait at a gate, and so live at one time.
pub fn many_children() -> anyhow::Result<Many> {
    const GATE_BROKE: u8 = 2;
    let (children, gate, us) = (Children::helpers(), Gate::new()?, getpid());
    let is_ours = || gate.pass().map_or(GATE_BROKE, |()| u8::from(getppid() != us));
    let fork = || children.fork(is_ours);
    let forked = (0..MANY).map(|_| fork()).collect::<anyhow::Result<BTreeSet<Pid>>>()?;
    let mut many = Many { forks: MANY, alive_at_one_time: 0, with_our_pid_as_ppid: 0 };
    for &child in &forked {
        let has_ended =
            waitid(child.as_raw(), WEXITED | WNOWAIT | WNOHANG).with_context(|| format!("wait for {child}"))?;
        many.alive_at_one_time += usize::from(has_ended.is_none());
    }
    gate.open(MANY)?;
    for child in forked {
        let end = end_of(child)?;
        match end.code() {
            Some(code @ (0 | 1)) => many.with_our_pid_as_ppid += usize::from(code == 0),
            _ => bail!("child {child} failed: {end}"),
        }
    }
    Ok(many)
}

/// `smaps` tells of the code's mapping how much of it is in frames that others have too.
#[derive(Serialize)]
pub struct Copies {
    /// Of a byte each in data, heap and stack: written by the child, and as it was in the parent.
    pub copied_of_3: usize,
    pub code_kib: u64,
    pub code_shared_kib: u64,
    pub code_copied_kib: u64,
    /// Whether the code is in the same frame in both; told to the privileged.
    pub code_in_same_frame: Option<bool>,
}

static DATA: AtomicU8 = AtomicU8::new(b'P');

/// The child writes to all three.
pub fn copies() -> anyhow::Result<Copies> {
    let (heap, stack) = (Box::new(AtomicU8::new(b'P')), AtomicU8::new(b'P'));
    let bytes = [&DATA, &*heap, &stack];
    // Both run it, and so have it in a frame.
    let code = (frame as fn(usize) -> anyhow::Result<Option<u64>> as *const ()).addr();
    let places = || bytes.iter().map(|byte| Place::of(byte)).collect::<anyhow::Result<Vec<_>>>();
    let (written, code_frame, smaps) = seen_by_child(|| {
        for byte in bytes {
            byte.store(b'C', SeqCst);
        }
        Ok((places()?, frame(code)?, Smaps::at(code)?))
    })?;
    let kept = places()?;
    let copied = kept.iter().zip(&written).filter(|(kept, written)| {
        (kept.byte, written.byte) == ('P', 'C') && same(kept.frame, written.frame) != Some(true)
    });
    Ok(Copies {
        copied_of_3: copied.count(),
        code_kib: smaps.rss,
        code_shared_kib: smaps.shared,
        code_copied_kib: smaps.anonymous,
        code_in_same_frame: same(frame(code)?, code_frame),
    })
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
    seen_by_child(|| {
        Ok(CopyOnWrite {
            pages: count.get(),
            faults_of_reading: faults_of(|| read_each(&pages, page))?,
            faults_of_writing: faults_of_writing(&mut pages, page)?,
            faults_of_writing_again: faults_of_writing(&mut pages, page)?,
        })
    })
}
// ANCHOR_END: faults
