//! A process that writes into the memory of another.
//!
//! Note: 进程的空间 ("不可能操纵另一个用户进程的虚拟内存"). Go: none. Man: process_vm_writev(2), ptrace(2).

use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_writev};
use shared::harness::claims::{Check, Seen};
use shared::linux::failure::Failure;

use super::child::Teller;
use shared::linux::child::Children;
use shared::linux::gate::Gate;

pub const CHECKS: &[Check] = &[(49, write_into_another)];

// ANCHOR: intrude
/// The child does nothing but read its byte, once we have been there.
fn write_into_another() -> anyhow::Result<Seen> {
    let (children, byte, gate) = (Children::helpers(), AtomicU8::new(b'P'), Gate::new()?);
    let child = Teller::fork(&children, || {
        gate.pass()?;
        Ok(byte.load(SeqCst))
    })?;
    let theirs = RemoteIoVec { base: byte.as_ptr().addr(), len: 1 };
    match process_vm_writev(child.pid, &[IoSlice::new(b"X")], &[theirs]) {
        Err(error @ (Errno::EPERM | Errno::ENOSYS)) => {
            return Err(Failure::CannotShow(format!("process_vm_writev(2): {error}")).into());
        }
        written => written.map_err(io::Error::from).context("process_vm_writev")?,
    };
    gate.open(1)?;
    let [read, ours] = [child.hear()?, byte.load(SeqCst)].map(char::from);
    Ok(Seen::refuted(
        read == 'X',
        format!("X written from outside: the child, whose byte was P, reads {read}, its parent {ours}"),
    ))
}
// ANCHOR_END: intrude
