//! Who may stop and kill whose processes.
//!
//! The note has SIGKILL and SIGSTOP serve the superuser. Only the superuser may send them to everybody's processes, but
//! every user may send them to their own (claim 128).
//!
//! Note: 信号 ("超级用户"). Go: `os.Process.Kill`. Man: kill(2), CAP_KILL in capabilities(7).

use std::collections::BTreeSet;
use std::io::{self, PipeWriter};

use anyhow::{Context, anyhow};
use libc::{WEXITED, WSTOPPED, pid_t, uid_t};
use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SIGKILL, SIGSTOP, kill};
use nix::unistd::{self, Pid, Uid};
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;
use shared::linux::child::answer::{await_turn, tell, telling, told};
use shared::linux::child::event::Event;
use shared::linux::child::forked::{Forked, close_copy};
use shared::linux::failure::Failure;
use shared::linux::proc;

#[derive(clap::Args)]
pub struct Args {}

/// What came of a user's SIGSTOP and SIGKILL to a process.
#[derive(Debug, Serialize)]
pub struct Permission {
    pub sender_uid: uid_t,
    /// Nothing: all others'.
    pub target_uid: Option<uid_t>,
    #[serde(flatten)]
    pub observed: Fate,
}

/// What became of the processes.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Fate {
    /// One got first SIGSTOP, then SIGKILL.
    Got { sigstop: Event, sigkill: Event },
    /// kill(2) refused, with EPERM, and this number of processes went on.
    Refused { kill: Outcome, refused: usize },
}

/// A user that owns nothing.
const NOBODY: Uid = Uid::from_raw(65534);

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    permissions()?.iter().try_for_each(|permission| out.pairs(permission))
}

/// As superuser, it is nobody afterwards.
pub fn permissions() -> anyhow::Result<Vec<Permission>> {
    let uid = unistd::geteuid();
    match (uid.is_root(), has_cap_kill()?) {
        (true, true) => as_superuser(),
        (false, false) => as_user(uid),
        (_, has) => cannot_show(format!("uid {uid} {} CAP_KILL here", if has { "has" } else { "lacks" })),
    }
}

/// To a process of nobody's; then, for good as nobody, to one of the superuser's and to one of its own.
fn as_superuser() -> anyhow::Result<Vec<Permission>> {
    let root = unistd::getuid();
    let Some((nobodys, _stay)) = idle_child(NOBODY)? else {
        return cannot_show(format!("uid 0 cannot become uid {NOBODY} here"));
    };
    let by_superuser = Permission::of(root, NOBODY, stop_and_kill(nobodys)?);
    let (superusers, stay) = idle_child(root)?.context("a child has ended")?;
    unistd::setresuid(NOBODY, NOBODY, NOBODY).context("setresuid")?;
    if has_cap_kill()? {
        return cannot_show("the superuser's capabilities outlive setresuid(2) here".to_owned());
    }
    let to_superuser = Permission::of(NOBODY, root, kill_in_vain(superusers, stay)?);
    let (own, _stay) = idle_child(NOBODY)?.context("a child has ended")?;
    Ok(vec![by_superuser, to_superuser, Permission::of(NOBODY, NOBODY, stop_and_kill(own)?)])
}

/// To others' processes by signal 0, which only asks; and to one of its own.
fn as_user(uid: Uid) -> anyhow::Result<Vec<Permission>> {
    // Where others' processes are hidden, there is still the first.
    let pids: BTreeSet<pid_t> = proc::pids()?.into_iter().chain([1]).collect();
    let refused = pids.iter().filter(|&&pid| kill(Pid::from_raw(pid), None) == Err(Errno::EPERM)).count();
    if refused == 0 {
        return cannot_show(format!("uid {uid} is refused by no process here"));
    }
    let others = Permission { sender_uid: uid.as_raw(), target_uid: None, observed: Fate::refused(refused) };
    let (own, _stay) = idle_child(uid)?.context("a child has ended")?;
    Ok(vec![others, Permission::of(uid, uid, stop_and_kill(own)?)])
}

/// A child of that user which does nothing until the pipe is closed, or `None` if this process may not have one.
fn idle_child(uid: Uid) -> anyhow::Result<Option<(Forked, PipeWriter)>> {
    let (until, stay) = io::pipe().context("pipe")?;
    let (child, answer) = telling(|teller| {
        close_copy(&stay)?;
        let is_that_user = unistd::setresuid(uid, uid, uid).is_ok();
        // The change of user has undone it, and a stopped child would stay.
        set_pdeathsig(SIGKILL).context("PR_SET_PDEATHSIG")?;
        tell(teller, &[is_that_user.into()])?;
        await_turn(&until)?;
        Ok(())
    })?;
    let [is_that_user] = told(&answer)?;
    Ok((is_that_user == 1).then_some((child, stay)))
}

// ANCHOR: kill
fn stop_and_kill(mut child: Forked) -> anyhow::Result<Fate> {
    child.signal(SIGSTOP)?;
    let sigstop = child.wait(WSTOPPED | WEXITED)?;
    child.signal(SIGKILL)?;
    Ok(Fate::Got { sigstop, sigkill: child.wait(WEXITED)? })
}
// ANCHOR_END: kill

/// A child that SIGKILL did not reach ends by itself.
fn kill_in_vain(mut child: Forked, stay: PipeWriter) -> anyhow::Result<Fate> {
    let answer = kill(Pid::from_raw(child.pid()), SIGKILL);
    drop(stay);
    match (answer, child.wait(WEXITED)?) {
        (Err(Errno::EPERM), Event::Exited(0)) => Ok(Fate::refused(1)),
        (Ok(()), end) => Ok(Fate::Got { sigstop: end, sigkill: end }),
        (answer, end) => Err(anyhow!("send SIGKILL to child {}: {answer:?}, {end}", child.pid())),
    }
}

impl Permission {
    fn of(sender: Uid, target: Uid, observed: Fate) -> Permission {
        Permission { sender_uid: sender.as_raw(), target_uid: Some(target.as_raw()), observed }
    }
}

impl Fate {
    fn refused(refused: usize) -> Fate {
        Fate::Refused { kill: Outcome::Failed(Errno::EPERM), refused }
    }

    /// The process was stopped by SIGSTOP and killed by SIGKILL.
    pub fn is_stopped_and_killed(&self) -> bool {
        let Fate::Got { sigstop, sigkill } = self else { return false };
        matches!((sigstop, sigkill), (Event::Stopped(libc::SIGSTOP), Event::Killed { signal: libc::SIGKILL, .. }))
    }
}

/// Whether this process may send signals to everybody's processes.
fn has_cap_kill() -> anyhow::Result<bool> {
    const CAP_KILL: u32 = 5;
    let set = proc::status(unistd::getpid().as_raw(), "CapEff")?.context("/proc/self/status has no CapEff")?;
    Ok(u64::from_str_radix(&set, 16).context("CapEff in /proc/self/status")? >> CAP_KILL & 1 == 1)
}

fn cannot_show(why: String) -> anyhow::Result<Vec<Permission>> {
    Err(Failure::CannotShow(why).into())
}
