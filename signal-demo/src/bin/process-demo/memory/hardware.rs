//! What the CPU forbids to a program: instructions that stop it or reach a device, and the kernel's addresses.
//!
//! Note: 进程的空间 ("内核空间"), 系统调用 ("特权级别"). Go: none. Man: signal(7) at SIGSEGV, ioperm(2).

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ptr;

use shared::harness::claims::{Check, Seen};

use super::child::end_of;
use super::cpu;
use super::sealed::end_without_system_calls;
use shared::linux::child::Children;

pub const CHECKS: &[Check] =
    &[(42, hardware_is_out_of_reach), (43, the_kernels_space_is_closed), (55, this_program_has_the_lower_level)];

/// But for what the CPU itself gives to everybody: here its clock, read without the kernel.
fn hardware_is_out_of_reach() -> anyhow::Result<Seen> {
    cpu::is_known()?;
    let children = Children::helpers();
    let [halt, port] = [cpu::halt, cpu::read_port].map(|forbidden| end_after(&children, forbidden));
    let (halt, port) = (halt?, port?);
    let clock = end_without_system_calls(&children, || {
        let before = cpu::ticks();
        u8::from((0..1000).all(|_| cpu::ticks() <= before))
    })?;
    let evidence =
        format!("hlt: {halt}; in: {port}; to see the CPU's clock go on, by rdtsc and no system call: {clock}");
    Ok(Seen::imprecise(halt == "SIGSEGV" && port == "SIGSEGV", clock == "exit 0", evidence))
}

fn end_after(children: &Children, forbidden: impl FnOnce()) -> anyhow::Result<String> {
    end_of(children, || {
        forbidden();
        0
    })
}

/// The address is one of the kernel's code, where it tells; else any that only the kernel can have.
fn the_kernels_space_is_closed() -> anyhow::Result<Seen> {
    let children = Children::helpers();
    let (kernels, name) = kernel_address().unwrap_or((usize::MAX << 31, "unknown".into()));
    let ours = u8::MAX;
    let own = end_after(&children, || read_byte(ptr::from_ref(&ours).expose_provenance()))?;
    let read = end_after(&children, || read_byte(kernels))?;
    let closed = own == "exit 0" && read == "SIGSEGV";
    Ok(Seen::holds(closed, format!("a byte of its own: {own}; at {kernels:#x} ({name}) of the kernel: {read}")))
}

/// Without privileges all addresses are 0.
fn kernel_address() -> Option<(usize, String)> {
    let symbols = BufReader::new(File::open("/proc/kallsyms").ok()?).lines();
    let symbol = symbols.map_while(Result::ok).find(|line| line.ends_with(" _stext"))?;
    let mut fields = symbol.split(' ');
    let address = usize::from_str_radix(fields.next()?, 16).ok().filter(|&address| address != 0)?;
    Some((address, fields.next_back()?.to_owned()))
}

fn read_byte(address: usize) {
    // SAFETY: it is our own, or else forbidden, and then the process ends here.
    #[allow(unsafe_code, reason = "the read of a forbidden address is the experiment")]
    unsafe {
        ptr::with_exposed_provenance::<u8>(address).read_volatile();
    }
}

fn this_program_has_the_lower_level() -> anyhow::Result<Seen> {
    cpu::is_known()?;
    let level = cpu::privilege_level();
    let halt = end_after(&Children::helpers(), cpu::halt)?;
    let evidence = format!("level {level} of 0 to 3; hlt, which level 0 may execute: {halt}");
    Ok(Seen::holds(level == 3 && halt == "SIGSEGV", evidence))
}
