//! A mutex for processes, in memory that they share. It is robust: the kernel frees it when its holder ends.
//!
//! Note: 关于同步 ("互斥"). Go: `sync.Mutex` (for goroutines only). Man: pthread_mutexattr_setpshared(3),
//! pthread_mutexattr_setrobust(3).

use std::cell::UnsafeCell;

use anyhow::Context;
use nix::errno::Errno;

use shared::linux::memory::SharedMemory;

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
            check(libc::pthread_mutexattr_setrobust(attributes.as_mut_ptr(), libc::PTHREAD_MUTEX_ROBUST))?;
            check(libc::pthread_mutex_init(shared.0.get(), attributes.as_ptr()))?;
            check(libc::pthread_mutexattr_destroy(attributes.as_mut_ptr()))?;
        }
        Ok(shared)
    }

    /// Does `work` while no other process does. What a process left half done that was killed in its own work stays
    /// so: whoever waits for that process learns of it.
    pub fn exclusively(&self, work: impl FnOnce()) -> anyhow::Result<()> {
        // SAFETY: initialised by `shared`; consistent(3) is for the holder, which we are after EOWNERDEAD too.
        #[allow(unsafe_code, reason = "calls into libc")]
        check(unsafe {
            match libc::pthread_mutex_lock(self.0.get()) {
                libc::EOWNERDEAD => libc::pthread_mutex_consistent(self.0.get()),
                code => code,
            }
        })?;
        work();
        // SAFETY: as above, and locked by us.
        #[allow(unsafe_code, reason = "a call into libc")]
        check(unsafe { libc::pthread_mutex_unlock(self.0.get()) })
    }
}

fn check(code: i32) -> anyhow::Result<()> {
    if code == 0 { Ok(()) } else { Err(Errno::from_raw(code)).context("pthread mutex") }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use nix::sys::wait::waitpid;
    use nix::unistd::{ForkResult, fork};

    use super::*;

    #[test]
    fn the_end_of_its_holder_frees_the_mutex() {
        let mutex = ProcessMutex::shared().unwrap();
        // SAFETY: the child locks, and ends.
        #[allow(unsafe_code, reason = "fork(2) and _exit(2)")]
        match unsafe { fork() }.unwrap() {
            ForkResult::Parent { child } => waitpid(child, None).unwrap(),
            // SAFETY: as above.
            ForkResult::Child => unsafe {
                let _ = mutex.exclusively(|| libc::_exit(0));
                libc::_exit(1)
            },
        };
        let (tell, told) = mpsc::channel();
        thread::spawn(move || [(); 2].map(|()| tell.send(mutex.exclusively(|| ()).is_ok())));
        assert_eq!([(); 2].map(|()| told.recv_timeout(Duration::from_secs(30))), [Ok(true); 2]);
    }
}
