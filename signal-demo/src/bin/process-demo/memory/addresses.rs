//! How many addresses there are, and whose: more than there is memory, and not of memory.
//!
//! Note: 进程的空间 ("用户空间和内核空间", "虚拟内存的最大容量"). Go: `syscall.Mmap`. Man: mmap(2),
//! vmsplice(2), proc_pid_maps(5), vsyscall in vdso(7).

use std::fs;
use std::hint::black_box;
use std::io::{self, IoSlice, Read};
use std::num::NonZeroUsize;
use std::ptr;

use anyhow::Context;
use nix::fcntl::{SpliceFFlags, vmsplice};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::unistd::{SysconfVar, sysconf};
use serde::{Serialize, Serializer};
use shared::linux::answer::Outcome;
use shared::linux::failure::{Failure, accessible};
use shared::linux::memory::page_size;

use crate::frame::range;
use crate::pages::Pages;

const GIB: usize = 1 << 30;
const TIB: NonZeroUsize = NonZeroUsize::new(1 << 40).unwrap();

/// An address, written as in /proc.
#[derive(Clone, Copy)]
pub struct Address(pub usize);

impl Address {
    /// The users' addresses are the lower half.
    pub fn is_in_user_space(self) -> bool {
        self.0.leading_zeros() > 0
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#x}", self.0))
    }
}

#[derive(Serialize)]
pub struct Parts {
    pub memory_gib: usize,
    pub stack_at_gib: usize,
}

/// The stack is far above all physical memory.
pub fn parts() -> anyhow::Result<Parts> {
    let here = 0_u8;
    let stack = ptr::from_ref(&here).addr();
    Ok(Parts { memory_gib: physical_memory()? / GIB, stack_at_gib: stack / GIB })
}

/// What a pipe has that was given a page of A, which was changed to B afterwards.
#[derive(Serialize)]
pub struct Given {
    pub pipe_reads: char,
}

// ANCHOR: frame
/// Gives a page to a pipe, changes it, and reads the pipe.
pub fn one_frame_in_both() -> anyhow::Result<Given> {
    let (mut reader, writer) = io::pipe().context("pipe")?;
    let (mut page, _) = Pages::private(NonZeroUsize::MIN)?;
    page[0] = b'A';
    let given = vmsplice(&writer, &[IoSlice::new(&page[..1])], SpliceFFlags::empty());
    accessible("vmsplice", given)?;
    page[0] = b'B';
    black_box(&mut page);
    let mut read = [0];
    reader.read_exact(&mut read).context("read the pipe")?;
    Ok(Given { pipe_reads: read[0].into() })
}
// ANCHOR_END: frame

fn physical_memory() -> anyhow::Result<usize> {
    let pages = sysconf(SysconfVar::_PHYS_PAGES)?.context("the kernel does not tell its memory")?;
    Ok(usize::try_from(pages)?.saturating_mul(page_size()?.get()))
}

#[derive(Serialize)]
pub struct BeyondMemory {
    pub memory_gib: usize,
    pub mapped_tib: usize,
    pub next_mmap: Outcome,
}

/// Maps a TiB after the other, until there are no addresses left. None of it is ever touched.
pub fn more_than_there_is() -> anyhow::Result<BeyondMemory> {
    without_limit()?;
    let mut mapped = Vec::new();
    let next_mmap = loop {
        // SAFETY: new pages at an address of the kernel's choice touch nothing of ours.
        #[allow(unsafe_code, reason = "mmap(2) could overwrite other mappings")]
        let tib =
            unsafe { mmap_anonymous(None, TIB, ProtFlags::PROT_NONE, MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE) };
        match tib {
            Ok(start) => mapped.push(start),
            Err(error) => break Outcome::Failed(error),
        }
    };
    for &start in &mapped {
        // SAFETY: mapped above, and nothing refers to it.
        #[allow(unsafe_code, reason = "munmap(2) could unmap what is used")]
        unsafe { munmap(start, TIB.get()) }.context("munmap")?;
    }
    Ok(BeyondMemory { memory_gib: physical_memory()? / GIB, mapped_tib: mapped.len(), next_mmap })
}

/// `ulimit -v`, where it may be lifted.
fn without_limit() -> anyhow::Result<()> {
    let (now, most) = getrlimit(Resource::RLIMIT_AS).context("getrlimit")?;
    if now == RLIM_INFINITY {
        return Ok(());
    }
    let limited = |_| Failure::CannotShow(format!("the limit of address space (RLIMIT_AS) is {most}")).into();
    setrlimit(Resource::RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY).map_err(limited)
}

#[derive(Serialize)]
pub struct Layout {
    /// Without vsyscall.
    pub mappings: usize,
    pub highest: Address,
    pub vsyscall: Address,
}

/// All but one page, which is where it was before there was a vDSO, at one address for all processes.
pub fn mappings() -> anyhow::Result<Layout> {
    let maps = accessible("read /proc/self/maps", fs::read_to_string("/proc/self/maps"))?;
    let Some(vsyscall) = maps.lines().find(|line| line.ends_with("[vsyscall]")) else {
        return Err(Failure::CannotShow("this kernel has no vsyscall page".into()).into());
    };
    // ANCHOR: vsyscall
    let (above, _) = range(vsyscall).context("a mapping without addresses")?;
    let others = maps.lines().filter(|line| *line != vsyscall);
    let mappings: Vec<_> = others.filter_map(range).collect();
    let highest = mappings.iter().map(|(_, end)| *end).max().context("no mappings")?;
    // ANCHOR_END: vsyscall
    Ok(Layout { mappings: mappings.len(), highest: Address(highest), vsyscall: Address(above) })
}
