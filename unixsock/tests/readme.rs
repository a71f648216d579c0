//! What the README says of unixsock.

#[path = "../../shared/tests/readme/mod.rs"]
mod readme;

#[test]
fn the_table_matches_the_commands() -> std::io::Result<()> {
    readme::table_matches_the_commands("unixsock", env!("CARGO_BIN_EXE_unixsock"))
}

#[test]
fn the_sessions_are_real() -> std::io::Result<()> {
    readme::sessions_are_real("unixsock", env!("CARGO_BIN_EXE_unixsock"))
}
