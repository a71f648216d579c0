//! What becomes of signal-demo where descriptors and threads are few, and calls fail.

#[path = "../../shared/tests/injected/mod.rs"]
mod injected;
#[path = "../../shared/tests/nobody/mod.rs"]
mod nobody;
#[path = "../../shared/tests/starved/mod.rs"]
mod starved;

#[test]
fn no_command_hangs_or_panics_for_want_of_descriptors_or_threads() {
    let commands: [&[&str]; 10] = [
        &["demo"],
        &["list"],
        &["list", "--kernel"],
        &["queue"],
        &["order"],
        &["sources"],
        &["actions"],
        &["permission"],
        &["notify"],
        &["bench", "--quick", "--pin", "same", "signal"],
    ];
    starved::every_command_ends_and_says_why(env!("CARGO_BIN_EXE_signal-demo"), &commands);
}

#[test]
fn what_a_call_fails_for_that_was_not_asked_is_no_observation() -> std::io::Result<()> {
    let failures: [(&[&str], &str, &str); 4] = [
        (&["actions"], "kill:error=EPERM:when=1", "could not do its part"),
        (&["list"], "kill:error=EPERM:when=1", "could not do its part"),
        (&["notify"], "signalfd4:error=EMFILE:when=2", "signalfd: {}"),
        (&["sources"], "ioctl:error=EIO:when=1", "pt: {}"),
    ];
    for (command, failure, said) in failures {
        injected::is_an_error(env!("CARGO_BIN_EXE_signal-demo"), command, failure, said)?;
    }
    Ok(())
}

#[test]
fn a_kernel_without_pidfd_open_is_named_at_the_start() -> std::io::Result<()> {
    let needed = "signal-demo: cannot be shown here: pidfd_open: {}: Linux 5.10 or later is needed";
    for command in ["demo", "list"] {
        injected::ends_with(77, env!("CARGO_BIN_EXE_signal-demo"), &[command], "pidfd_open:error=ENOSYS", needed)?;
    }
    Ok(())
}
