//! What the README says of tcpsock, and the completions that `make install` installs.

#[path = "../../shared/tests/completions/mod.rs"]
mod completions;
#[path = "../../shared/tests/readme/mod.rs"]
mod readme;

#[test]
fn the_table_matches_the_commands() -> std::io::Result<()> {
    readme::table_matches_the_commands("tcpsock", env!("CARGO_BIN_EXE_tcpsock"))
}

#[test]
fn the_sessions_are_real() -> std::io::Result<()> {
    readme::sessions_are_real("tcpsock", env!("CARGO_BIN_EXE_tcpsock"))
}

#[test]
fn the_completions_go_on_behind_a_command() -> std::io::Result<()> {
    completions::complete_behind_a_command("tcpsock", env!("CARGO_BIN_EXE_tcpsock"))
}
