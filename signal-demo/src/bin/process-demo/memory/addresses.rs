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
use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, vmsplice};
use nix::libc::c_void;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::unistd::{SysconfVar, sysconf};
use shared::harness::claims::{Check, Seen};
use shared::linux::failure::Failure;

use super::pages::private_pages;
use super::smaps::range;
use shared::linux::memory::page_size;

pub const CHECKS: &[Check] = &[(44, parts_of_physical_memory), (46, more_than_there_is), (48, in_user_space)];

const GIB: usize = 1 << 30;
const TIB: NonZeroUsize = NonZeroUsize::new(1 << 40).unwrap();

/// The stack is far above all physical memory; and one frame is in a process and in the kernel's pipe.
fn parts_of_physical_memory() -> anyhow::Result<Seen> {
    let here = 0_u8;
    let (stack, memory) = (ptr::from_ref(&here).addr(), physical_memory()?);
    let both = one_frame_in_both()?;
    let pipe = match both {
        Some('B') => "the pipe had the process's own frame",
        Some(_) => "the pipe had a copy",
        None => "vmsplice(2) is refused",
    };
    let evidence =
        format!("{} GiB of memory, the stack at {} GiB; a page given to a pipe: {pipe}", memory / GIB, stack / GIB);
    Ok(Seen::refuted(stack > memory && both.is_none_or(|read| read == 'B'), evidence))
}

// ANCHOR: frame
/// Gives a page to a pipe, changes it, and reads the pipe.
fn one_frame_in_both() -> anyhow::Result<Option<char>> {
    let (mut reader, writer) = io::pipe().context("pipe")?;
    let page = private_pages(page_size()?)?;
    page[0] = b'A';
    match vmsplice(&writer, &[IoSlice::new(&page[..1])], SpliceFFlags::empty()) {
        Err(Errno::EPERM | Errno::ENOSYS) => return Ok(None),
        given => given.map_err(io::Error::from).context("vmsplice")?,
    };
    page[0] = b'B';
    black_box(page);
    let mut read = [0];
    reader.read_exact(&mut read).context("read the pipe")?;
    Ok(Some(read[0].into()))
}
// ANCHOR_END: frame

fn physical_memory() -> anyhow::Result<usize> {
    let pages = sysconf(SysconfVar::_PHYS_PAGES)?.context("the kernel does not tell its memory")?;
    Ok(usize::try_from(pages)?.saturating_mul(page_size()?.get()))
}

/// Maps a TiB after the other, until there are no addresses left. None of it is ever touched.
fn more_than_there_is() -> anyhow::Result<Seen> {
    without_limit()?;
    let mut mapped = Vec::new();
    let refused = loop {
        // SAFETY: new pages at an address of the kernel's choice touch nothing of ours.
        #[allow(unsafe_code, reason = "mmap(2) could overwrite other mappings")]
        let tib =
            unsafe { mmap_anonymous(None, TIB, ProtFlags::PROT_NONE, MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE) };
        match tib {
            Ok(start) => mapped.push(start),
            Err(error) => break error,
        }
    };
    for &start in &mapped {
        unmap(start)?;
    }
    let memory = physical_memory()?;
    let evidence = format!("mapped {} TiB with {} GiB of memory, then {refused}", mapped.len(), memory / GIB);
    Ok(Seen::holds(mapped.len().saturating_mul(TIB.get()) / 4 > memory, evidence))
}

fn unmap(start: ptr::NonNull<c_void>) -> anyhow::Result<()> {
    // SAFETY: mapped above, and nothing refers to it.
    #[allow(unsafe_code, reason = "munmap(2) could unmap what is used")]
    unsafe {
        munmap(start, TIB.get()).map_err(io::Error::from).context("munmap")
    }
}

/// `ulimit -v`, where it may be lifted.
fn without_limit() -> anyhow::Result<()> {
    let (now, most) = getrlimit(Resource::RLIMIT_AS).map_err(io::Error::from).context("getrlimit")?;
    if now == RLIM_INFINITY {
        return Ok(());
    }
    let limited = |_| Failure::CannotShow(format!("RLIMIT_AS is {most}")).into();
    setrlimit(Resource::RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY).map_err(limited)
}

/// All but one page, which is where it was before there was a vDSO, at one address for all processes.
fn in_user_space() -> anyhow::Result<Seen> {
    let maps = fs::read_to_string("/proc/self/maps")
        .map_err(|error| Failure::CannotShow(format!("/proc/self/maps: {error}")))?;
    let Some(vsyscall) = maps.lines().find(|line| line.ends_with("[vsyscall]")) else {
        return Err(Failure::CannotShow("this kernel has no vsyscall page".into()).into());
    };
    let (above, _) = range(vsyscall).context("a mapping without addresses")?;
    let mappings: Vec<_> = maps.lines().filter(|line| *line != vsyscall).filter_map(range).collect();
    let highest = mappings.iter().map(|(_, end)| *end).max().context("no mappings")?;
    let is_users = |address: usize| address.leading_zeros() > 0;
    let evidence = format!("{} mappings, all below {highest:#x}; [vsyscall] at {above:#x}", mappings.len());
    Ok(Seen::imprecise(is_users(highest), !is_users(above), evidence))
}
