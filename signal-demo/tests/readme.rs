//! What the README says of signal-demo.

#[path = "../../shared/tests/readme/mod.rs"]
mod readme;

#[test]
fn the_table_matches_the_commands() -> std::io::Result<()> {
    readme::table_matches_the_commands("signal-demo", env!("CARGO_BIN_EXE_signal-demo"))
}

#[test]
fn the_sessions_are_real() -> std::io::Result<()> {
    readme::sessions_are_real("signal-demo", env!("CARGO_BIN_EXE_signal-demo"))
}
