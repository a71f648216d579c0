//! What makes seven programs one: options, records, exit codes, stories, manual, claims, bench.

pub mod bench;
pub mod claims;
pub mod duration;
pub mod footer;
pub mod manual;
pub mod offers;
pub mod program;
pub mod ready;
pub mod report;
pub mod showing;
pub mod story;
mod usage;
