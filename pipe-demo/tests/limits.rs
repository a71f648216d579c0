//! What becomes of pipe-demo where descriptors and threads are few, and calls fail.
#![cfg(not(loom))]

#[path = "../../shared/tests/injected/mod.rs"]
mod injected;
#[path = "../../shared/tests/nobody/mod.rs"]
mod nobody;
#[path = "../../shared/tests/starved/mod.rs"]
mod starved;

#[test]
fn no_command_hangs_or_panics_for_want_of_descriptors_or_threads() {
    let commands: [&[&str]; 9] = [
        &["demo"],
        &["ipc"],
        &["cmd"],
        &["os-pipe"],
        &["io-pipe"],
        &["capacity"],
        &["atomicity", "--messages", "20"],
        &["bench", "--quick", "--pin", "same", "pipe"],
        &["bench", "--quick", "--pin", "same", "io-pipe, threads"],
    ];
    starved::every_command_ends_and_says_why(env!("CARGO_BIN_EXE_pipe-demo"), &commands);
}

#[test]
fn what_a_call_fails_for_that_was_not_asked_is_no_observation() -> std::io::Result<()> {
    let failures: [(&[&str], &str, &str); 3] = [
        (&["ipc"], "sendto:error=ENOMEM", "{}"),
        (&["os-pipe"], "read:error=EIO:when=9+", "{}"),
        (&["capacity"], "waitid:error=ENOMEM", "{}"),
    ];
    for (command, failure, said) in failures {
        injected::is_an_error(env!("CARGO_BIN_EXE_pipe-demo"), command, failure, said)?;
    }
    Ok(())
}
