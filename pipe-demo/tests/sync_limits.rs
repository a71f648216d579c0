//! What becomes of sync-demo where descriptors and threads are few, and calls fail.

#[path = "../../shared/tests/injected/mod.rs"]
mod injected;
#[path = "../../shared/tests/nobody/mod.rs"]
mod nobody;
#[path = "../../shared/tests/starved/mod.rs"]
mod starved;

#[test]
fn no_command_hangs_or_panics_for_want_of_descriptors_or_threads() {
    let commands: [&[&str]; 5] =
        [&["demo"], &["race", "--updates", "100"], &["interrupted"], &["exclusion"], &["atomic"]];
    starved::every_command_ends_and_says_why(env!("CARGO_BIN_EXE_sync-demo"), &commands);
}

/// In the forked children, too: their parent tells what they failed for, and nobody waits for what cannot come.
#[test]
fn a_process_that_fails_says_why_and_holds_up_nobody() -> std::io::Result<()> {
    let race = ["race", "--how", "token", "--updates", "20"];
    let failures: [(&[&str], &str, &str); 8] = [
        (&race, "write:error=EIO:when=8", ": give the token back: {}\n"),
        (&race, "read:error=EIO:when=11", "{}\n"),
        (&race, "prctl:error=EPERM", ": PR_SET_PDEATHSIG: {}\n"),
        (&race, "poll:error=ENOMEM", "sync-demo: poll the racers: {}\n"),
        (&["interrupted"], "setitimer:error=EPERM", "sync-demo: setitimer: {}\n"),
        (&["exclusion"], "getrusage:error=ENOSYS", ": getrusage: {}\n"),
        (&["atomic"], "getrusage:error=ENOSYS", ": getrusage: {}\n"),
        (&["demo"], "clone,?fork:error=EAGAIN", "sync-demo: fork: "),
    ];
    for (command, failure, said) in failures {
        injected::is_an_error(env!("CARGO_BIN_EXE_sync-demo"), command, failure, said)?;
    }
    Ok(())
}
