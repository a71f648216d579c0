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
    readme::sessions_are_real("sync-demo")
}

#[test]
fn the_completions_have_the_values_and_nothing_hidden() -> std::io::Result<()> {
    let lines: [(&[&str], &[&str]); 2] = [
        (&["race", "--how", ""], &["atomic", "mutex", "plain", "token"]),
        (&["claims", "6"], &["62", "63", "64", "65", "66", "67", "68", "69"]),
    ];
    completions::complete("sync-demo", env!("CARGO_BIN_EXE_sync-demo"), &lines)
}
