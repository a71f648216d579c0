//! `sync-demo claims` sees what is recorded, and docs/claims.md says the same.

#[path = "../../shared/tests/claims/mod.rs"]
mod claims;

const NAME: &str = "sync-demo";
const PROGRAM: &str = env!("CARGO_BIN_EXE_sync-demo");
