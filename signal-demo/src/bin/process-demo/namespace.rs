//! A PID namespace of one's own: processes are counted anew in it, from 1.
//!
//! Note: 进程的标识. Go: `syscall.SysProcAttr.Cloneflags`. Man: pid_namespaces(7), user_namespaces(7), unshare(2).

use nix::sched::{self, CloneFlags};
use shared::linux::failure::Failure;

/// Puts the children to come in a PID namespace of their own. The first is its PID 1: it is stopped by no signal
/// from within, adopts the orphans, and takes all others with it when it ends.
pub fn unshare() -> anyhow::Result<()> {
    let privileged = sched::unshare(CloneFlags::CLONE_NEWPID);
    let unshared = privileged.or_else(|_| sched::unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWPID));
    unshared.map_err(|error| Failure::CannotShow(format!("no PID namespace of our own: {error}")).into())
}
