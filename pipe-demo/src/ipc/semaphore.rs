//! A semaphore for processes, in memory that they share.
//!
//! Note: Golang笔记-多进程编程理论 ("信号灯（semaphore）"). Go: none. Man: sem_overview(7).

use std::cell::UnsafeCell;
use std::mem::zeroed;

use anyhow::Context;
use nix::errno::Errno;
use shared::linux::readiness::restart;

use shared::linux::memory::SharedMemory;

/// It must not move once it was used.
#[repr(transparent)]
pub struct Semaphore(UnsafeCell<libc::sem_t>);

// SAFETY: a semaphore is made to be used from everywhere at one time.
#[allow(unsafe_code, reason = "UnsafeCell takes Sync away, the semaphore gives it back")]
unsafe impl Sync for Semaphore {}

impl Semaphore {
    /// Of value 0.
    pub fn shared() -> anyhow::Result<SharedMemory<Semaphore>> {
        // SAFETY: plain bytes, initialised below.
        #[allow(unsafe_code, reason = "sem_t has no initial value")]
        let shared = SharedMemory::new(Semaphore(UnsafeCell::new(unsafe { zeroed() })))?;
        // SAFETY: at its place, and nobody uses it yet.
        #[allow(unsafe_code, reason = "a call into libc")]
        Errno::result(unsafe { libc::sem_init(shared.0.get(), 1, 0) }).context("sem_init")?;
        Ok(shared)
    }

    pub fn post(&self) -> anyhow::Result<()> {
        // SAFETY: initialised by `shared`.
        #[allow(unsafe_code, reason = "a call into libc")]
        Errno::result(unsafe { libc::sem_post(self.0.get()) }).map(drop).context("sem_post")
    }

    pub fn wait(&self) -> anyhow::Result<()> {
        // SAFETY: initialised by `shared`.
        #[allow(unsafe_code, reason = "a call into libc")]
        restart(|| Ok(Errno::result(unsafe { libc::sem_wait(self.0.get()) })?)).map(drop).context("sem_wait")
    }
}
