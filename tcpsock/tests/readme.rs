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
    readme::sessions_are_real("tcpsock")
}

#[test]
fn the_completions_have_the_values_and_nothing_hidden() -> std::io::Result<()> {
    let lines: [(&[&str], &[&str]); 3] = [
        (&["serve", "--network", ""], &["tcp", "tcp4", "tcp6"]),
        (&["eagain", "--network", ""], &["tcp", "unix"]),
        (&["bench", "udp"], &["udp", "udp-mio"]),
    ];
    completions::complete("tcpsock", env!("CARGO_BIN_EXE_tcpsock"), &lines)
}
