//! Instructions of x86-64 that Rust has no name for. On another CPU they do nothing; [`is_known`] tells.
//!
//! Note: 关于同步 ("单一的汇编指令"). Go: none. Man: none but the CPU's own manual.
#![cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "they do nothing"))]

#[cfg(target_arch = "x86_64")]
use std::arch::asm;
use std::sync::atomic::AtomicU64;

use shared::linux::failure::Failure;

/// Whether the instructions are those of this CPU.
pub fn is_known() -> anyhow::Result<()> {
    if cfg!(target_arch = "x86_64") {
        return Ok(());
    }
    Err(Failure::CannotShow("the experiment is written for x86-64".into()).into())
}

// ANCHOR: increment
/// Adds one `times` times, each time by one instruction: no interrupt can come in its middle.
pub fn increment(number: &AtomicU64, times: u64) {
    // SAFETY: the word is ours and aligned. That others write it meanwhile is the experiment; Rust knows
    // nothing of what happens here.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "Rust promises no instruction for a plain addition")]
    unsafe {
        asm!("2: inc qword ptr [{0}]", "dec {1}", "jnz 2b",
             in(reg) number.as_ptr(), inout(reg) times.max(1) => _, options(nostack));
    }
}
// ANCHOR_END: increment

/// The same, by one instruction that also keeps other CPUs out.
pub fn increment_locked(number: &AtomicU64, times: u64) {
    // SAFETY: as above.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "the same but for one word")]
    unsafe {
        asm!("2: lock inc qword ptr [{0}]", "dec {1}", "jnz 2b",
             in(reg) number.as_ptr(), inout(reg) times.max(1) => _, options(nostack));
    }
}
