//! A network of one's own: no interface but the loopback one, and that is down.
//!
//! Man: network_namespaces(7), user_namespaces(7), unshare(2).

use nix::sched::{CloneFlags, unshare};

use crate::linux::failure::Failure;

/// Leaves the network that this process shares with others: as root, or as the root of a user namespace,
/// which only a process with one thread may enter. What is open stays where it was.
pub fn own_network() -> Result<(), Failure> {
    unshare(CloneFlags::CLONE_NEWNET)
        .or_else(|_| unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET))
        .map_err(|error| Failure::CannotShow(format!("no network namespace of one's own: {}", error.desc())))
}
