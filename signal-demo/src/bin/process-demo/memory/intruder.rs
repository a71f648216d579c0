//! A process that writes into the memory of another.
//!
//! Note: 进程的空间 ("不可能操纵另一个用户进程的虚拟内存"). Go: none. Man: process_vm_writev(2), ptrace(2).

use std::io::IoSlice;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use nix::sys::uio::{RemoteIoVec, process_vm_writev};
use serde::Serialize;
use shared::linux::child::Children;
use shared::linux::child::teller::Teller;
use shared::linux::failure::accessible;
use shared::linux::gate::Gate;

#[derive(Serialize)]
pub struct Intrusion {
    pub child_had: char,
    pub written_from_outside: char,
    pub child_reads: char,
    pub parent_reads: char,
}

/// The child does nothing but read its byte, once we have been there.
pub fn write_into_another() -> anyhow::Result<Intrusion> {
    let (children, byte, gate) = (Children::helpers(), AtomicU8::new(b'P'), Gate::new()?);
    // ANCHOR: intrude
    let child = Teller::fork(&children, || {
        gate.pass()?;
        Ok(byte.load(SeqCst))
    })?;
    let theirs = RemoteIoVec { base: byte.as_ptr().addr(), len: 1 };
    let written = process_vm_writev(child.pid, &[IoSlice::new(b"X")], &[theirs]);
    accessible("process_vm_writev", written)?;
    gate.open(1)?;
    let [child_reads, parent_reads] = [child.hear()?, byte.load(SeqCst)].map(char::from);
    // ANCHOR_END: intrude
    Ok(Intrusion { child_had: 'P', written_from_outside: 'X', child_reads, parent_reads })
}
