//! What the README says of fifo-demo, and the completions that `make install` installs.

#[path = "../../shared/tests/completions/mod.rs"]
mod completions;
#[path = "../../shared/tests/readme/mod.rs"]
mod readme;

#[test]
fn the_table_matches_the_commands() -> std::io::Result<()> {
    readme::table_matches_the_commands("fifo-demo", env!("CARGO_BIN_EXE_fifo-demo"))
}

#[test]
fn the_sessions_are_real() -> std::io::Result<()> {
    readme::sessions_are_real("fifo-demo")
}

#[test]
fn the_completions_have_the_values_and_nothing_hidden() -> std::io::Result<()> {
    let lines: [(&[&str], &[&str]); 4] = [
        (&["bench", ""], &["fifo", "fifo-mio"]),
        (&["claims", ""], &["87", "88", "89", "90", "91"]),
        (&["mux-"], &[]),
        (&["open-modes", "--js"], &["--json"]),
    ];
    completions::complete("fifo-demo", env!("CARGO_BIN_EXE_fifo-demo"), &lines)
}
