//! A PID namespace of one's own: processes are counted anew in it, from 1.
//!
//! Note: 进程的标识. Go: `syscall.SysProcAttr.Cloneflags`. Man: pid_namespaces(7), user_namespaces(7), unshare(2).

use nix::sched::CloneFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::linux::child::teller::seen_by_child;
use shared::linux::failure::Failure;
use shared::linux::namespace::own;

/// What a child sees that puts its own children in a PID namespace of their own. The first of them is its PID 1: it is
/// stopped by no signal from within, adopts the orphans, and takes all others with it when it ends.
pub fn with_own_pids<T: Serialize + DeserializeOwned>(look: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    seen_by_child(|| {
        own(CloneFlags::CLONE_NEWPID)
            .map_err(|error| Failure::CannotShow(format!("no PID namespace of our own: {}", error.desc())))?;
        look()
    })
}
