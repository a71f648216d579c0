//! What the note says before its first section: of the kinds of IPC.

pub mod fastest;
pub mod kinds;
pub mod messages;
pub mod queue;
pub mod semaphore;
