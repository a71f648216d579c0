//! What the README says of signal-demo, and the completions that `make install` installs.

#[path = "../../shared/tests/completions/mod.rs"]
mod completions;
#[path = "../../shared/tests/readme/mod.rs"]
mod readme;

#[test]
fn the_table_matches_the_commands() -> std::io::Result<()> {
    readme::table_matches_the_commands("signal-demo", env!("CARGO_BIN_EXE_signal-demo"))
}

#[test]
fn the_sessions_are_real() -> std::io::Result<()> {
    readme::sessions_are_real("signal-demo")
}

#[test]
fn the_completions_have_the_values_and_nothing_hidden() -> std::io::Result<()> {
    let lines: [(&[&str], &[&str]); 5] = [
        (&["wait", "SIGU"], &["SIGURG", "SIGUSR1", "SIGUSR2"]),
        (&["wait", "INT", "TE"], &["TERM"]),
        (&["list", "RTMIN+14"], &["RTMIN+14"]),
        (&["send", "1", "TT"], &["TTIN", "TTOU"]),
        (&["bench", "signal-"], &["signal-epoll+signalfd", "signal-mio-registry", "signal-real-time"]),
    ];
    completions::complete("signal-demo", env!("CARGO_BIN_EXE_signal-demo"), &lines)
}
