//! The note's section 进程: identity, states, adoption.

pub mod answer;
pub mod descriptor;
pub mod ids;
pub mod kill;
pub mod namespace;
pub mod numbers;
pub mod orphan;
pub mod possible;
pub mod states;
