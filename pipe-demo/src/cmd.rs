//! What an `exec.Cmd` promises: its arguments, its output, its end.
//!
//! Note: 管道. Go: `exec.Cmd`. Man: execve(2), pipe(7).

pub mod arguments;
pub mod ends;
pub mod reads;
