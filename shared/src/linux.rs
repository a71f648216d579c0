//! What both sides of a system call look like here.

pub mod answer;
pub mod asleep;
pub mod child;
pub mod cpu;
pub mod endpoint;
pub mod folder;
pub mod gate;
pub mod memory;
pub mod namespace;
pub mod network;
pub mod pidfd;
pub mod readiness;
pub mod shutdown;
pub mod signals;
mod terminal;
pub mod thread;
pub mod usage;
