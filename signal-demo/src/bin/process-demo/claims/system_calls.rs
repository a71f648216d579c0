//! 系统调用

use libc::{SIGSEGV, SIGSYS};
use shared::harness::claims::{Check, Seen, joined, seen};
use shared::linux::child::event::Event;
use shared::linux::failure::Failure;

use crate::end::WELL;
use crate::syscalls::{calls_and_functions, memory_without_calls, modes, privilege_level};

pub const CHECKS: &[Check] =
    &[(53, the_only_way), (54, call_or_function), (55, this_program_has_the_lower_level), (56, most_of_the_time)];

/// What ends a sealed process that makes a system call.
const SEALED: Event = Event::killed_by(SIGSYS);

fn the_only_way() -> anyhow::Result<Seen> {
    let without = memory_without_calls()?;
    let exception = without.touching == WELL && without.faults >= i64::try_from(without.pages)?;
    Ok(Seen::imprecise(without.ppid_by_call == SEALED, exception, seen(&without)))
}

/// clock_gettime(2) stands among the system calls, and is none where the kernel maps it as a function.
fn call_or_function() -> anyhow::Result<Seen> {
    let ends = calls_and_functions()?;
    if ends.clock_by_vdso == SEALED {
        return Err(Failure::CannotShow("the kernel maps no function that reads this machine's clock".into()).into());
    }
    let as_noted = ends.i32_abs == WELL && ends.clock_by_call == SEALED;
    Ok(Seen::imprecise(as_noted, ends.clock_by_vdso == WELL, seen(&ends)))
}

fn this_program_has_the_lower_level() -> anyhow::Result<Seen> {
    let level = privilege_level()?;
    Ok(Seen::holds(level.level == 3 && level.hlt == Event::killed_by(SIGSEGV), seen(&level)))
}

fn most_of_the_time() -> anyhow::Result<Seen> {
    let times = modes::of_computing_and_piping()?;
    let [computing, piping] = &times;
    let (user, system) = (computing.user_us > computing.system_us, piping.system_us > piping.user_us);
    Ok(Seen::imprecise(user, system, joined(times.iter().map(seen), "; ")))
}
