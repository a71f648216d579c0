//! Two rings of bytes in memory that two processes share, one for each direction.
//!
//! One side alone writes into a ring, the other alone takes from it: each moves a counter of its own, and
//! sleeps in futex(2) until the other's has moved. Who moves a counter wakes the other side only if it sleeps.
//!
//! Note: 进程的空间 ("共享内存区的基础"). Man: memfd_create(2), mmap(2), futex(2).

use std::cell::UnsafeCell;
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use anyhow::Context;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use shared::harness::bench::{Meeting, Side};

use crate::futex;

/// As much as a Unix socket takes. A power of two, so that the counters may overflow.
const ROOM: u32 = 256 << 10;

/// What the memory holds; all zeros is empty.
#[repr(C)]
struct Rings {
    there: Ring,
    back: Ring,
}

#[repr(C)]
struct Ring {
    written: Counter,
    taken: Counter,
    bytes: UnsafeCell<[u8; ROOM as usize]>,
}

/// On a cache line of its own, as two CPUs write the two.
#[repr(C, align(64))]
struct Counter {
    value: AtomicU32,
    is_awaited: AtomicU32,
}

impl Counter {
    fn get(&self) -> u32 {
        self.value.load(SeqCst)
    }

    fn advance(&self, by: u32) -> io::Result<()> {
        self.value.fetch_add(by, SeqCst);
        if self.is_awaited.load(SeqCst) == 1 { futex::wake(&self.value) } else { Ok(()) }
    }

    /// Whoever advances this sees that it is awaited; or else it had advanced before we look again. Only who
    /// waits takes the word back: from the other side it could come late, and take back the next one.
    fn wait_while(&self, seen: u32) -> io::Result<()> {
        self.is_awaited.store(1, SeqCst);
        let woken = futex::wait(&self.value, seen);
        self.is_awaited.store(0, SeqCst);
        woken
    }
}

impl Ring {
    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (written, taken) = (self.written.get(), self.taken.get());
            let room = ROOM - written.wrapping_sub(taken).min(ROOM);
            if room == 0 {
                self.taken.wait_while(taken)?;
                continue;
            }
            let (place, count) = self.piece(written, room, bytes.len());
            // SAFETY: `count` bytes at `place` are in the ring, and the other side leaves them alone until
            // `written` has passed them.
            #[allow(unsafe_code, reason = "no type tells the compiler whose turn it is in another process")]
            unsafe {
                ptr::copy_nonoverlapping(bytes.as_ptr(), place, count as usize);
            }
            bytes = &bytes[count as usize..];
            self.written.advance(count)?;
        }
        Ok(())
    }

    fn read(&self, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            let (written, taken) = (self.written.get(), self.taken.get());
            let here = written.wrapping_sub(taken).min(ROOM);
            if here == 0 {
                self.written.wait_while(written)?;
                continue;
            }
            let (place, count) = self.piece(taken, here, buffer.len());
            // SAFETY: `count` bytes at `place` are in the ring, and the other side leaves them alone until
            // `taken` has passed them.
            #[allow(unsafe_code, reason = "no type tells the compiler whose turn it is in another process")]
            unsafe {
                ptr::copy_nonoverlapping(place, buffer.as_mut_ptr(), count as usize);
            }
            buffer = &mut buffer[count as usize..];
            self.taken.advance(count)?;
        }
        Ok(())
    }

    /// Where a counter points to, and how many of `most` bytes can be copied there in one go.
    fn piece(&self, counter: u32, most: u32, wanted: usize) -> (*mut u8, u32) {
        let start = counter % ROOM;
        let count = most.min(ROOM - start).min(u32::try_from(wanted).unwrap_or(u32::MAX));
        (self.bytes.get().cast::<u8>().wrapping_add(start as usize), count)
    }
}

/// The memory of this process, and which ring it writes into.
struct Mapped {
    rings: NonNull<Rings>,
    is_first: bool,
}

// SAFETY: the memory belongs to no thread, and all access to it is as from different processes.
#[allow(unsafe_code, reason = "the pointer stands for an owned value, as in Box")]
unsafe impl Send for Mapped {}

const SIZE: NonZeroUsize = NonZeroUsize::new(size_of::<Rings>()).unwrap();

impl Mapped {
    fn new(memory: impl AsFd, is_first: bool) -> anyhow::Result<Mapped> {
        let (protection, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED);
        // SAFETY: new pages at an address of the kernel's choice touch nothing of ours.
        #[allow(unsafe_code, reason = "mmap(2) could overwrite other mappings")]
        let pages = unsafe { mmap(None, SIZE, protection, flags, memory, 0) };
        Ok(Mapped { rings: pages.context("mmap shared memory")?.cast(), is_first })
    }

    /// The ring to write into, and the one to read from.
    fn rings(&self) -> (&Ring, &Ring) {
        // SAFETY: mapped until dropped, large enough, and valid whatever its bits are.
        #[allow(unsafe_code, reason = "the pointer stands for an owned value, as in Box")]
        let Rings { there, back } = unsafe { self.rings.as_ref() };
        if self.is_first { (there, back) } else { (back, there) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and no reference into it is left.
        #[allow(unsafe_code, reason = "munmap(2) could unmap what is used")]
        let _ = unsafe { munmap(self.rings.cast(), SIZE.get()) };
    }
}

impl Side for Mapped {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.rings().0.write(message)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.rings().1.read(buffer)
    }
}

/// New memory; the other process finds it at its stdin.
pub fn meet() -> anyhow::Result<Meeting> {
    let memory = memfd_create("ring", MFdFlags::MFD_CLOEXEC).context("memfd_create")?;
    let memory = File::from(memory);
    memory.set_len(SIZE.get() as u64).context("ftruncate")?;
    let ours = Mapped::new(&memory, true)?;
    Ok(Meeting::Process(Box::new(ours), memory.try_clone()?.into(), memory.into()))
}

pub fn join(memory: File, _same: File) -> anyhow::Result<Box<dyn Side>> {
    Ok(Box::new(Mapped::new(memory, false)?))
}
