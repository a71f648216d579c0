//! Memory that a process shares with its children.
//!
//! Note: 进程的空间. Man: mmap(2) at MAP_SHARED.

use std::num::NonZeroUsize;
use std::ops::Deref;
use std::ptr::NonNull;

use anyhow::Context;
use nix::libc::PIPE_BUF;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use nix::unistd::{SysconfVar, sysconf};

/// A value in pages that forked children share.
#[derive(Debug)]
pub struct SharedMemory<T: Sync> {
    value: NonNull<T>,
    size: NonZeroUsize,
}

// SAFETY: all that is given out are shared references to a value that is Sync.
#[allow(unsafe_code, reason = "the pointer stands for an owned value, as in Box")]
unsafe impl<T: Sync + Send> Send for SharedMemory<T> {}

impl<T: Sync> SharedMemory<T> {
    /// Puts `value` into new pages.
    pub fn new(value: T) -> anyhow::Result<SharedMemory<T>> {
        let size = NonZeroUsize::new(size_of::<T>()).unwrap_or(NonZeroUsize::MIN);
        // ANCHOR: shared
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: new pages at an address of the kernel's choice touch nothing of ours; they
        // are aligned for every T, and large enough.
        #[allow(unsafe_code, reason = "mmap(2) could overwrite other mappings")]
        unsafe {
            let pages = mmap_anonymous(None, size, access, MapFlags::MAP_SHARED);
            let value_at = pages.context("mmap shared memory")?.cast::<T>();
            value_at.write(value);
            Ok(SharedMemory { value: value_at, size })
        }
        // ANCHOR_END: shared
    }
}

impl<T: Sync> Deref for SharedMemory<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: written by `new`, mapped until dropped, and never lent out mutably.
        #[allow(unsafe_code, reason = "the pointer stands for an owned value, as in Box")]
        unsafe {
            self.value.as_ref()
        }
    }
}

impl<T: Sync> Drop for SharedMemory<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and no reference into it is left. The value itself is not dropped, as
        // another process may still use it.
        #[allow(unsafe_code, reason = "munmap(2) could unmap what is used")]
        let _ = unsafe { munmap(self.value.cast(), self.size.get()) };
    }
}

/// What memory is divided into.
pub fn page_size() -> anyhow::Result<NonZeroUsize> {
    let size = sysconf(SysconfVar::PAGE_SIZE)?.and_then(|size| usize::try_from(size).ok());
    size.and_then(NonZeroUsize::new).context("the kernel does not tell its page size")
}

/// The least write to a pipe that others' can come into: PIPE_BUF stays whole by promise, a page because a pipe is made
/// of pages.
pub fn least_torn_write() -> anyhow::Result<NonZeroUsize> {
    page_size()?.max(const { NonZeroUsize::new(PIPE_BUF).unwrap() }).checked_add(1).context("so large a page")
}
