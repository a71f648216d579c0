//! Instructions of x86-64 that Rust has no name for. On another CPU they do nothing; [`is_known`] tells.
//!
//! Note: 系统调用 ("特权级别"). Go: none. Man: none but the CPU's own manual.
#![allow(unsafe_code, reason = "instructions without a function")]
#![cfg_attr(not(target_arch = "x86_64"), allow(unused_mut, unused_variables, reason = "they do nothing"))]

#[cfg(target_arch = "x86_64")]
use std::arch::asm;

use shared::linux::failure::Failure;

pub fn is_known() -> anyhow::Result<()> {
    if cfg!(target_arch = "x86_64") {
        return Ok(());
    }
    Err(Failure::CannotShow("the experiment is written for x86-64".into()).into())
}

/// Stops the CPU until its next interrupt, if it may.
pub fn halt() {
    // SAFETY: it touches no memory.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("hlt", options(nomem, nostack));
    }
}

/// Reads a device, at a port where a PC has at most a display for the steps of its start.
pub fn read_port() {
    // SAFETY: it touches no memory, and reading this port changes nothing.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("in al, 0x80", out("al") _, options(nomem, nostack));
    }
}

pub fn ticks() -> u64 {
    let (mut low, mut high) = (0_u32, 0_u32);
    // SAFETY: it touches no memory.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("rdtsc", out("eax") low, out("edx") high, options(nomem, nostack));
    }
    u64::from(high) << 32 | u64::from(low)
}

// ANCHOR: level
/// The level at which the CPU runs this program: 0 may do everything, 3 the least.
pub fn privilege_level() -> u16 {
    let mut code_segment = 0_u16;
    // SAFETY: it touches no memory.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("mov {0:x}, cs", out(reg) code_segment, options(nomem, nostack));
    }
    code_segment & 3
}
// ANCHOR_END: level
