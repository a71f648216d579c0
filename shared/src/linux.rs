//! What both sides of a system call look like here.

pub mod allocator;
pub mod answer;
pub mod at_once;
pub mod child;
pub mod cpu;
pub mod endpoint;
pub mod failure;
pub mod gate;
pub mod handover;
pub mod memory;
pub mod namespace;
pub mod network;
pub mod pidfd;
pub mod proc;
pub mod readiness;
pub mod scratch;
pub mod shutdown;
pub mod signals;
pub mod sleeper;
pub mod stdio;
mod terminal;
pub mod thread;
pub mod usage;
