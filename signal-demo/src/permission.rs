//! Whose processes a user may stop and kill.
//!
//! The note has SIGKILL and SIGSTOP serve the superuser. It alone may send them to everybody's processes, but to its
//! own every user may.
//!
//! Note: 信号 ("超级用户"). Go: `os.Process.Kill`. Man: kill(2), CAP_KILL in capabilities(7).

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::{self, PipeWriter, Read, Write};

use anyhow::Context;
use libc::{WEXITED, WSTOPPED, pid_t};
use nix::errno::Errno;
use nix::sys::signal::{SIGKILL, kill};
use nix::unistd::{self, Pid, Uid};
use shared::harness::claims::{Check, Seen};
use shared::linux::failure::Failure;
use shared::linux::readiness::restart;

use crate::child::{self, Child, Event};
use crate::signal::Signal;
use shared::linux::proc;

pub const CHECKS: &[Check] = &[(128, for_the_superuser)];

const NOBODY: Uid = Uid::from_raw(65534);

fn for_the_superuser() -> anyhow::Result<Seen> {
    let uid = unistd::geteuid();
    match (uid.is_root(), has_cap_kill()?) {
        (true, true) => as_superuser(),
        (false, false) => as_user(uid),
        (_, has) => cannot_show(format!("uid {uid} {} CAP_KILL here", if has { "has" } else { "lacks" })),
    }
}

/// To a process of nobody's; then, for good as nobody, to one of the superuser's and to one of its own.
fn as_superuser() -> anyhow::Result<Seen> {
    let Some((nobodys, _stay)) = idle_child(NOBODY)? else {
        return cannot_show(format!("uid 0 cannot become uid {NOBODY} here"));
    };
    let by_superuser = stop_and_kill(nobodys)?;
    let (mut superusers, stay) = idle_child(unistd::getuid())?.context("a child has ended")?;
    unistd::setresuid(NOBODY, NOBODY, NOBODY).map_err(io::Error::from).context("setresuid")?;
    if has_cap_kill()? {
        return cannot_show("the superuser's capabilities outlive setresuid(2) here".to_owned());
    }
    let answer = kill(Pid::from_raw(superusers.pid()), SIGKILL);
    drop(stay);
    let stays = superusers.wait(WEXITED)? == Event::Exited(0);
    let (own, _stay) = idle_child(NOBODY)?.context("a child has ended")?;
    let own = stop_and_kill(own)?;
    let only_superuser = by_superuser.is_done() && answer == Err(Errno::EPERM) && stays;
    let answer = answer.map_or_else(|error| format!("{error:?}"), |()| "done".to_owned());
    let evidence =
        format!("uid 0 to uid {NOBODY}'s: {by_superuser}; uid {NOBODY} to uid 0's: {answer}, to its own: {own}");
    Ok(Seen::imprecise(only_superuser, own.is_done(), evidence))
}

/// To others' processes by signal 0, which only asks.
fn as_user(uid: Uid) -> anyhow::Result<Seen> {
    // Where others' processes are hidden, there is still the first.
    let pids: BTreeSet<pid_t> = proc::pids()?.into_iter().chain([1]).collect();
    let refused = pids.iter().filter(|&&pid| kill(Pid::from_raw(pid), None) == Err(Errno::EPERM)).count();
    if refused == 0 {
        return cannot_show(format!("uid {uid} is refused by no process here"));
    }
    let (own, _stay) = idle_child(uid)?.context("a child has ended")?;
    let own = stop_and_kill(own)?;
    let evidence = format!("uid {uid} to {refused} processes of others: EPERM, to its own: {own}");
    Ok(Seen::imprecise(refused > 0, own.is_done(), evidence))
}

/// A child of that user which does nothing until the pipe is closed, or `None` if this process may not have one.
fn idle_child(uid: Uid) -> anyhow::Result<Option<(Child, PipeWriter)>> {
    let (mut until, stay) = io::pipe().context("pipe")?;
    let (mut ready, mut ready_in_child) = io::pipe().context("pipe")?;
    let child = Child::fork(|| {
        child::close_copy(&stay)?;
        if unistd::setresuid(uid, uid, uid).is_ok() {
            ready_in_child.write_all(b"!")?;
            // A change of user has undone that it ends with its parent, but this ends then too.
            restart(|| until.read(&mut [0]))?;
        }
        Ok(())
    })?;
    drop(ready_in_child);
    let is_ready = restart(|| ready.read(&mut [0])).context("wait for the child")? == 1;
    Ok(is_ready.then_some((child, stay)))
}

/// What became of a process that got first SIGSTOP, then SIGKILL.
struct Fate([Event; 2]);

fn stop_and_kill(mut child: Child) -> anyhow::Result<Fate> {
    child.signal(Signal::STOP)?;
    let stopped = child.wait(WSTOPPED | WEXITED)?;
    child.signal(Signal::KILL)?;
    Ok(Fate([stopped, child.wait(WEXITED)?]))
}

impl Fate {
    fn is_done(&self) -> bool {
        matches!(self.0, [Event::Stopped(libc::SIGSTOP), Event::Killed { signal: libc::SIGKILL, .. }])
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fate([first, second]) = self;
        write!(f, "{first}, {second}")
    }
}

/// Whether this process may send signals to everybody's.
fn has_cap_kill() -> anyhow::Result<bool> {
    const CAP_KILL: u32 = 5;
    let status = fs::read_to_string("/proc/self/status").context("read /proc/self/status")?;
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:")).context("no CapEff in /proc/self/status")?;
    Ok(u64::from_str_radix(set.trim(), 16)? >> CAP_KILL & 1 == 1)
}

fn cannot_show(why: String) -> anyhow::Result<Seen> {
    Err(Failure::CannotShow(why).into())
}
