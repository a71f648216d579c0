//! What instructions of the CPU's own do.

pub mod cpu;
