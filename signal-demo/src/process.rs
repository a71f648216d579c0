//! The note's section 进程: identity, states, adoption.

pub mod ids;
pub mod orphan;
pub mod states;
