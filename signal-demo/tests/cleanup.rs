//! What signal-demo leaves behind: nothing.

#![allow(clippy::unwrap_used, reason = "these are tests")]

#[path = "common/cleanup.rs"]
mod cleanup;
mod common;

const NAME: &str = "signal-demo";
const PROGRAM: &str = env!("CARGO_BIN_EXE_signal-demo");

/// Those that have children, or files.
const COMMANDS: &[&str] =
    &["demo", "list", "list --kernel", "sources", "actions", "permission", "notify", "bench --quick", "claims 114"];
