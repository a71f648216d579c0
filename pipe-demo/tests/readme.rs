//! What the README says of pipe-demo.

#[path = "../../shared/tests/readme/mod.rs"]
mod readme;

#[test]
fn the_table_matches_the_commands() -> std::io::Result<()> {
    readme::table_matches_the_commands("pipe-demo", env!("CARGO_BIN_EXE_pipe-demo"))
}

#[test]
fn the_sessions_are_real() -> std::io::Result<()> {
    readme::sessions_are_real("pipe-demo", env!("CARGO_BIN_EXE_pipe-demo"))
}
