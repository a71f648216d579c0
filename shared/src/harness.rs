//! What makes several programs one: options, records, exit codes, manual, claims, bench.

pub mod bench;
pub mod claims;
pub mod duration;
pub mod manual;
pub mod program;
pub mod report;
pub mod story;
