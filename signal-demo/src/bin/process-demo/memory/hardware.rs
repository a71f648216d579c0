//! What the CPU forbids to a program: instructions that stop it or reach a device, and the kernel's addresses.
//!
//! Note: 进程的空间 ("内核空间"). Go: none. Man: signal(7) at SIGSEGV, ioperm(2).

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ptr;

use anyhow::Context;
use serde::Serialize;
use shared::linux::child::event::Event;
use shared::linux::failure::{accessible, if_shown};

use super::addresses::Address;
use crate::cpu;
use crate::end::{end_after, end_without_system_calls};

/// How a child ends after each; `rdtsc` reads the CPU's clock, and sees it go on, without a system call.
#[derive(Serialize)]
pub struct Instructions {
    pub hlt: Event,
    #[serde(rename = "in")]
    pub port: Event,
    pub rdtsc: Event,
}

// ANCHOR: instructions
pub fn forbidden_instructions() -> anyhow::Result<Instructions> {
    cpu::is_known()?;
    let clock_goes_on = || {
        let before = cpu::ticks();
        u8::from((0..1000).all(|_| cpu::ticks() <= before))
    };
    Ok(Instructions {
        hlt: end_after(cpu::halt)?,
        port: end_after(cpu::read_port)?,
        rdtsc: end_without_system_calls(clock_goes_on)?,
    })
}
// ANCHOR_END: instructions

/// The symbol where the code of the kernel begins.
const CODE: &str = "_stext";

/// How a child ends that reads a byte, of its own and of the kernel's.
#[derive(Serialize)]
pub struct KernelSpace {
    pub own_byte: Event,
    pub address: Address,
    /// What the kernel has there, where it tells.
    pub symbol: Option<&'static str>,
    pub kernel_byte: Event,
}

/// The address is one of the kernel's code, where it tells; else any that only the kernel can have.
pub fn kernel_space() -> anyhow::Result<KernelSpace> {
    let told = kernel_address()?;
    let address = told.unwrap_or(usize::MAX << 31);
    let ours = u8::MAX;
    Ok(KernelSpace {
        own_byte: end_after(|| read_byte(ptr::from_ref(&ours).expose_provenance()))?,
        address: Address(address),
        symbol: told.map(|_| CODE),
        kernel_byte: end_after(|| read_byte(address))?,
    })
}

/// Where its code begins. Without privileges all addresses are 0.
fn kernel_address() -> anyhow::Result<Option<usize>> {
    let file = "/proc/kallsyms";
    let Some(symbols) = if_shown(accessible(&format!("open {file}"), File::open(file)))? else { return Ok(None) };
    for line in BufReader::new(symbols).lines() {
        let line = line.with_context(|| format!("read {file}"))?;
        let mut fields = line.split(' ');
        if let (Some(address), Some(CODE)) = (fields.next(), fields.next_back()) {
            let address = usize::from_str_radix(address, 16).with_context(|| format!("{file}: {line}"))?;
            return Ok((address != 0).then_some(address));
        }
    }
    Ok(None)
}

// ANCHOR: read
fn read_byte(address: usize) {
    // SAFETY: it is our own, or else forbidden, and then the process ends here.
    #[allow(unsafe_code, reason = "the read of a forbidden address is the experiment")]
    unsafe {
        ptr::with_exposed_provenance::<u8>(address).read_volatile();
    }
}
// ANCHOR_END: read
