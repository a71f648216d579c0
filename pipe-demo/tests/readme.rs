//! What the README says of pipe-demo, and the completions that `make install` installs.

#[path = "../../shared/tests/completions/mod.rs"]
mod completions;
#[path = "../../shared/tests/readme/mod.rs"]
mod readme;

#[test]
fn the_table_matches_the_commands() -> std::io::Result<()> {
    readme::table_matches_the_commands("pipe-demo", env!("CARGO_BIN_EXE_pipe-demo"))
}

#[test]
fn the_sessions_are_real() -> std::io::Result<()> {
    readme::sessions_are_real("pipe-demo")
}

#[test]
fn the_completions_have_the_values_and_nothing_hidden() -> std::io::Result<()> {
    let lines: [(&[&str], &[&str]); 4] = [
        (&["bench", "pi"], &["pipe", "pipe-mio"]),
        (&["pipeline", "--link", ""], &["direct", "pump"]),
        (&["atomicity", "--via", "os"], &["os-file", "os-pipe"]),
        (&["bench-"], &[]),
    ];
    completions::complete("pipe-demo", env!("CARGO_BIN_EXE_pipe-demo"), &lines)
}
