//! A pipe in memory: no buffer, the reader copies straight from the writer's slice.
//!
//! Note: 管道 ("内存管道"). Go: `io.Pipe`.

#[cfg(all(test, loom))]
mod models;
pub mod pipe;
mod side;
mod stream;
mod sync;
#[cfg(all(test, not(loom)))]
mod tests;
