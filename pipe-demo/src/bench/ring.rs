//! Two rings of bytes in memory that two processes share, one for each direction.
//!
//! One side alone writes into a ring, the other alone takes from it: each moves a counter of its own, and
//! sleeps in futex(2) until the other's has moved. Whoever moves a counter wakes the other side only if it sleeps; and
//! a writer, which sleeps when its ring is full, only once half of that is free.
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

/// A count of bytes, and whether the other side sleeps until it moves: in one word, which futex(2) compares. On a cache
/// line of its own, as two CPUs write the two.
#[repr(C, align(64))]
struct Counter(AtomicU32);

const AWAITED: u32 = 1 << 31;

impl Counter {
    fn get(&self) -> u32 {
        self.0.load(SeqCst) & !AWAITED
    }

    /// A move that wakes also takes back that it is awaited, in one step: the next one wakes nobody.
    fn advance(&self, by: u32, wakes: bool) -> io::Result<()> {
        let kept = if wakes { 0 } else { AWAITED };
        let moved = |word: u32| Some(word.wrapping_add(by) & !AWAITED | word & kept);
        let is_awaited = self.0.fetch_update(SeqCst, SeqCst, moved).is_ok_and(|word| word & AWAITED != 0);
        if is_awaited && wakes { futex::wake(&self.0) } else { Ok(()) }
    }

    fn wait_while(&self, seen: u32) -> io::Result<()> {
        match self.0.compare_exchange(seen, seen | AWAITED, SeqCst, SeqCst) {
            Err(word) if word != seen | AWAITED => Ok(()), // It has moved.
            _ => futex::wait(&self.0, seen | AWAITED),
        }
    }
}

impl Ring {
    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (written, taken) = (self.written.get(), self.taken.get());
            let room = ROOM - held(written, taken);
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
            self.written.advance(count, true)?;
        }
        Ok(())
    }

    fn read(&self, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            let (written, taken) = (self.written.get(), self.taken.get());
            let here = held(written, taken);
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
            self.taken.advance(count, here - count <= ROOM / 2)?;
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

/// What is in the ring.
fn held(written: u32, taken: u32) -> u32 {
    (written.wrapping_sub(taken) & !AWAITED).min(ROOM)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_ring_wakes_whoever_waits_also_where_its_counters_overflow() {
        let memory = File::from(memfd_create("ring", MFdFlags::MFD_CLOEXEC).unwrap());
        memory.set_len(SIZE.get() as u64).unwrap();
        let [mut ours, mut theirs] = [true, false].map(|is_first| Mapped::new(&memory, is_first).unwrap());
        for counter in [&ours.rings().0.written, &ours.rings().0.taken] {
            counter.0.store(AWAITED - ROOM, SeqCst);
        }
        let sent: Vec<u8> = (0..8 * ROOM).map(|place| (place % 251) as u8).collect();
        let (mut received, expected) = (vec![0; sent.len()], sent.clone());
        let (tell, told) = mpsc::channel();
        thread::spawn(move || sent.chunks(1000).for_each(|piece| ours.send(piece).unwrap()));
        thread::spawn(move || {
            received.chunks_mut(3000).for_each(|piece| theirs.receive(piece).unwrap());
            tell.send(received)
        });
        assert!(told.recv_timeout(Duration::from_secs(60)).unwrap() == expected);
    }
}
