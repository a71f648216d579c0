//! What the note's section 关于同步 says of processes that meet at one place.

pub mod at_once;
pub mod flags;
pub mod increment;
pub mod interrupted;
pub mod mutex;

pub mod preempted;
pub mod race;
pub mod retry;
pub mod words;
