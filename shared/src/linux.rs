//! What both sides of a system call look like here.

pub mod allocator;
pub mod asleep;
pub mod endpoint;
pub mod folder;
pub mod namespace;
pub mod network;
pub mod pidfd;
pub mod readiness;
pub mod shutdown;
