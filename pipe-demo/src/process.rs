//! What the note's section 进程 says of fork and exec.

pub mod fork;
