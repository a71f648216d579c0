//! What the kernel records of a process, and that it is kept up to date.
//!
//! Note: 进程的标识 ("进程描述符"). Go: `syscall.Getpriority`. Man: proc_pid_stat(5), proc_pid_maps(5).

use std::process;

use anyhow::Context;
use nix::sys::stat::{Mode, umask};
use serde::Serialize;
use shared::harness::claims::{Check, Seen, seen};

use crate::proc;

pub const CHECKS: &[Check] = &[(14, all_of_it_is_recorded)];

#[derive(Debug, PartialEq, Serialize)]
struct Descriptor {
    state: char,
    nice: i32,
    umask: String,
    euid: u32,
    /// Of a variable that this program has just made.
    its_memory: Option<String>,
}

fn all_of_it_is_recorded() -> anyhow::Result<Seen> {
    let before = descriptor()?;
    umask(Mode::from_bits_truncate(0o123));
    let nice = nicer(before.nice);
    let after = descriptor()?;
    let euid = nix::unistd::geteuid().as_raw();
    let expected = (nice, "0123", euid, true);
    let recorded = (after.nice, after.umask.as_str(), after.euid, after.its_memory.is_some());
    Ok(Seen::holds(after.state == 'R' && recorded == expected, format!("nice was {}; {}", before.nice, seen(&after))))
}

fn descriptor() -> anyhow::Result<Descriptor> {
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

/// `7ffc…-7ffd… rw-p 00000000 00:00 0 [stack]`: the range that holds this address, and what may be done with it.
fn range_of(address: usize, maps: &str) -> Option<String> {
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let [from, to] = [from, to].map(|end| usize::from_str_radix(end, 16));
        let holds = from.ok()? <= address && address < to.ok()?;
        holds.then(|| format!("{range} {}", rest.split(' ').next().unwrap_or_default()))
    })
}

/// One step less important, if there is one left: everybody may do that.
fn nicer(nice: i32) -> i32 {
    // SAFETY: it takes a number. Whether it worked is asked of /proc.
    #[allow(unsafe_code, reason = "nix has no nice")]
    unsafe {
        libc::nice(1);
    }
    (nice + 1).min(19)
}
