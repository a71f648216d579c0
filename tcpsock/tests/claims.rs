//! `claims` sees what is recorded, and docs/claims.md and docs/records.md say what is printed.

#[path = "../../shared/tests/claims/mod.rs"]
mod claims;
#[path = "../../shared/tests/records/mod.rs"]
mod records;

const NAME: &str = "tcpsock";
const PROGRAM: &str = env!("CARGO_BIN_EXE_tcpsock");
