//! What the README says of unixsock, and the completions that `make install` installs.

#[path = "../../shared/tests/completions/mod.rs"]
mod completions;
#[path = "../../shared/tests/readme/mod.rs"]
mod readme;

#[test]
fn the_table_matches_the_commands() -> std::io::Result<()> {
    readme::table_matches_the_commands("unixsock", env!("CARGO_BIN_EXE_unixsock"))
}

#[test]
fn the_sessions_are_real() -> std::io::Result<()> {
    readme::sessions_are_real("unixsock")
}

#[test]
fn the_completions_have_the_values_and_nothing_hidden() -> std::io::Result<()> {
    let lines: [(&[&str], &[&str]); 3] = [
        (&["client", "--network", "unixp"], &["unixpacket"]),
        (&["pass-fd", "recv", "--rea"], &["--ready-fd"]),
        (&["bench", "unixg"], &["unixgram", "unixgram-mio"]),
    ];
    completions::complete("unixsock", env!("CARGO_BIN_EXE_unixsock"), &lines)
}
