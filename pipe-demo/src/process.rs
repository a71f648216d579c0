//! What the note's section 进程 says: of fork and exec, of memory, of system calls, of switching.

pub mod addresses;
pub mod cpu;
pub mod fork;
pub mod frames;
pub mod intruder;
pub mod modes;
pub mod pages;
pub mod privileges;
pub mod sealed;
pub mod smaps;
pub mod switches;

pub use shared::linux::child::teller as child;
