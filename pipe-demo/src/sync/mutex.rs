//! A mutex for processes, in memory that they share.
//!
//! Note: 关于同步 ("互斥"). Go: `sync.Mutex` (for goroutines only). Man: pthread_mutexattr_setpshared(3).

use std::cell::UnsafeCell;

use anyhow::Context;
use nix::errno::Errno;

use super::memory::SharedMemory;

/// A pthread mutex; it must not move once it was used.
#[derive(Debug)]
#[repr(transparent)]
pub struct ProcessMutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a mutex is made to be used from everywhere at one time.
#[allow(unsafe_code, reason = "UnsafeCell takes Sync away, the mutex gives it back")]
unsafe impl Sync for ProcessMutex {}

impl ProcessMutex {
    pub fn shared() -> anyhow::Result<SharedMemory<ProcessMutex>> {
        let shared = SharedMemory::new(ProcessMutex(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER)))?;
        let mut attributes = std::mem::MaybeUninit::uninit();
        // SAFETY: the attributes are initialised first; the mutex is at its place, and nobody uses it yet.
        #[allow(unsafe_code, reason = "std's mutex is not specified to work between processes")]
        unsafe {
            check(libc::pthread_mutexattr_init(attributes.as_mut_ptr()))?;
            check(libc::pthread_mutexattr_setpshared(attributes.as_mut_ptr(), libc::PTHREAD_PROCESS_SHARED))?;
            check(libc::pthread_mutex_init(shared.0.get(), attributes.as_ptr()))?;
            check(libc::pthread_mutexattr_destroy(attributes.as_mut_ptr()))?;
        }
        Ok(shared)
    }

    /// Does `work` while no other process does.
    pub fn exclusively(&self, work: impl FnOnce()) -> anyhow::Result<()> {
        // SAFETY: initialised by `shared`.
        #[allow(unsafe_code, reason = "a call into libc")]
        check(unsafe { libc::pthread_mutex_lock(self.0.get()) })?;
        work();
        // SAFETY: as above, and locked by us.
        #[allow(unsafe_code, reason = "a call into libc")]
        check(unsafe { libc::pthread_mutex_unlock(self.0.get()) })
    }
}

fn check(code: i32) -> anyhow::Result<()> {
    if code == 0 { Ok(()) } else { Err(Errno::from_raw(code)).context("pthread mutex") }
}
