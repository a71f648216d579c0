//! What the README says of sync-demo, and the completions that `make install` installs.

#[path = "../../shared/tests/completions/mod.rs"]
mod completions;
#[path = "../../shared/tests/readme/mod.rs"]
mod readme;

#[test]
fn the_table_matches_the_commands() -> std::io::Result<()> {
    readme::table_matches_the_commands("sync-demo", env!("CARGO_BIN_EXE_sync-demo"))
}

#[test]
fn the_sessions_are_real() -> std::io::Result<()> {
    readme::sessions_are_real("sync-demo", env!("CARGO_BIN_EXE_sync-demo"))
}

#[test]
fn the_completions_go_on_behind_a_command() -> std::io::Result<()> {
    completions::complete_behind_a_command("sync-demo", env!("CARGO_BIN_EXE_sync-demo"))
}
