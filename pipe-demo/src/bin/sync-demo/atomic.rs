//! What one instruction does, and what many do.

pub mod compare_and_swap;
pub mod words;
