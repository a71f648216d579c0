//! `claims` sees what is recorded, and docs/claims.md says the same.

#[path = "../../shared/tests/claims/mod.rs"]
mod claims;

const NAME: &str = env!("CARGO_PKG_NAME");
const PROGRAM: &str = env!("CARGO_BIN_EXE_pipe-demo");

#[test]
fn every_claim_is_seen_as_recorded() {
    claims::every_claim_is_seen_as_recorded(PROGRAM);
}

#[test]
fn the_command_of_every_claim_runs() {
    claims::the_command_of_every_claim_runs(PROGRAM);
}

#[test]
fn the_ledger_says_what_the_code_says() {
    claims::the_ledger_says_what_the_code_says(NAME, PROGRAM);
}

#[test]
fn a_claim_that_is_none_of_its_own_is_said_so() {
    claims::a_claim_that_is_none_of_its_own_is_said_so(PROGRAM);
}

#[test]
fn without_time_nothing_is_as_recorded() {
    claims::without_time_nothing_is_as_recorded(PROGRAM);
}
