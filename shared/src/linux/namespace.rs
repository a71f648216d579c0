//! Namespaces of our own.
//!
//! Man: network_namespaces(7), pid_namespaces(7), user_namespaces(7), unshare(2).

use nix::sched::{CloneFlags, unshare};

use crate::linux::failure::Failure;

/// unshare(2) as root, or as the root of a user namespace, which only a process with one thread may enter.
pub fn own(namespace: CloneFlags) -> nix::Result<()> {
    unshare(namespace).or_else(|_| unshare(CloneFlags::CLONE_NEWUSER | namespace))
}

/// Moves this process to a network namespace of its own: it has only the loopback interface, and that is down. Sockets
/// that are open stay where they are.
pub fn own_network() -> Result<(), Failure> {
    own(CloneFlags::CLONE_NEWNET)
        .map_err(|error| Failure::CannotShow(format!("unshare the network: {}", std::io::Error::from(error))))
}
