//! `claims` sees what is recorded, and docs/claims.md says the same.

#[path = "../../shared/tests/claims/mod.rs"]
mod claims;
