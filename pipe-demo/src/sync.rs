//! What the note's section 关于同步 says of processes that meet at one place.

pub mod gate;
pub mod memory;
pub mod mutex;
pub mod race;
