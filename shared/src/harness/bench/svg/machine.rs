//! The machine and the day, for the foot of the picture.
//!
//! Man: uname(2), proc_cpuinfo(5).

use std::fs;
use std::thread::available_parallelism;
use std::time::SystemTime;

use nix::sys::utsname::uname;

/// `Linux 6.18.5 x86_64, 2 CPUs: AMD EPYC 7763, 2026-11-27`, or what of it can be had.
pub(super) fn and_day() -> String {
    let kernel = uname().map(|name| {
        let [system, release, machine] =
            [name.sysname(), name.release(), name.machine()].map(|part| part.to_string_lossy());
        format!("{system} {release} {machine}")
    });
    let cpus = available_parallelism().map(|cpus| format!("CPUs: {cpus}{}", model().unwrap_or_default()));
    let day = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let day = day.split('T').next().map(str::to_owned);
    kernel.ok().into_iter().chain(cpus.ok()).chain(day).collect::<Vec<_>>().join(", ")
}

/// Not every architecture names it.
fn model() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(format!(" x {}", line.split_once(": ")?.1))
}
