//! A network namespace of our own: it has only the loopback interface, and that is down.
//!
//! Man: network_namespaces(7), user_namespaces(7), unshare(2).

use nix::sched::{CloneFlags, unshare};

use crate::linux::failure::Failure;

/// Moves this process to a network namespace of its own: as root, or as the root of a user namespace, which
/// only a process with one thread may enter. Sockets that are open stay where they are.
pub fn own_network() -> Result<(), Failure> {
    unshare(CloneFlags::CLONE_NEWNET)
        .or_else(|_| unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET))
        .map_err(|error| Failure::CannotShow(format!("unshare the network: {}", std::io::Error::from(error))))
}
