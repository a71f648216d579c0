//! What becomes of tcpsock where descriptors and threads are few, and calls fail.

#[path = "../../shared/tests/injected/mod.rs"]
mod injected;
#[path = "../../shared/tests/nobody/mod.rs"]
mod nobody;
#[path = "../../shared/tests/starved/mod.rs"]
mod starved;

#[test]
fn no_command_hangs_or_panics_for_want_of_descriptors_or_threads() {
    let commands: [&[&str]; 9] = [
        &["sockets"],
        &["demo"],
        &["eagain"],
        &["eagain", "--network", "unix"],
        &["udp"],
        &["buffered"],
        &["close"],
        &["deadline"],
        &["bench", "--quick", "--pin", "same", "tcp"],
    ];
    starved::every_command_ends_and_says_why(env!("CARGO_BIN_EXE_tcpsock"), &commands);
}

#[test]
fn what_a_call_fails_for_that_was_not_asked_is_no_observation() -> std::io::Result<()> {
    let failures: [(&[&str], &str, &str); 4] = [
        (&["sockets"], "socket:error=ENOBUFS:when=3+", "No buffer space available"),
        (&["deadline"], "recvfrom:error=ENOMEM", "Cannot allocate memory"),
        (&["buffered"], "recvfrom:error=EIO:when=4+", "Input/output error"),
        (&["close"], "recvfrom:error=ENOMEM", "Cannot allocate memory"),
    ];
    for (command, failure, said) in failures {
        injected::is_an_error(env!("CARGO_BIN_EXE_tcpsock"), command, failure, said)?;
    }
    Ok(())
}
