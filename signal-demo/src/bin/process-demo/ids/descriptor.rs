//! What the kernel records of a process, and that it is kept up to date.
//!
//! Note: 进程的标识 ("进程描述符"). Go: `syscall.Getpriority`. Man: proc_pid_stat(5), proc_pid_maps(5).

use std::process;

use anyhow::Context;
use nix::sys::stat::{Mode, umask};
use serde::{Deserialize, Serialize};
use shared::linux::child::teller::seen_by_child;
use shared::linux::proc;

use crate::frame::has;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Descriptor {
    pub state: char,
    pub nice: i32,
    pub umask: String,
    pub euid: u32,
    /// Of a variable that the process has just made.
    pub its_memory: Option<String>,
}

// ANCHOR: descriptor
/// Of a child, before and after it has changed its umask to 0123, and its nice value by
/// one.
pub fn descriptors() -> anyhow::Result<[Descriptor; 2]> {
    seen_by_child(|| {
        let before = Descriptor::now()?;
        umask(Mode::from_bits_truncate(0o123));
        be_nicer();
        Ok([before, Descriptor::now()?])
    })
}
// ANCHOR_END: descriptor

impl Descriptor {
    fn now() -> anyhow::Result<Descriptor> {
        let pid = process::id().cast_signed();
        let status = |key| proc::status(pid, key)?.with_context(|| format!("no {key} in /proc/self/status"));
        let variable = 0_u8;
        Ok(Descriptor {
            state: proc::stat(pid)?.state,
            nice: proc::nice(pid)?,
            umask: status("Umask")?,
            euid: status("Uid")?.split('\t').nth(1).context("no effective user in /proc/self/status")?.parse()?,
            its_memory: range_of((&raw const variable).addr(), &proc::read(pid, "maps")?),
        })
    }
}

/// `7ffc…-7ffd… rw-p 00000000 00:00 0 [stack]`: the range that holds this address, and what may be done with it.
fn range_of(address: usize, maps: &str) -> Option<String> {
    let mapping = maps.lines().find(|line| has(line, address))?;
    let (range, rest) = mapping.split_once(' ')?;
    Some(format!("{range} {}", rest.split(' ').next()?))
}

/// One step less important, if there is one left: everybody may do that.
fn be_nicer() {
    // SAFETY: it takes a number. Whether it worked is asked of /proc.
    #[allow(unsafe_code, reason = "nix has no nice")]
    unsafe {
        libc::nice(1);
    }
}
