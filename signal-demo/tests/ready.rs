//! The commands of signal-demo that wait for others say since when.

#[path = "../../shared/tests/ready/mod.rs"]
mod ready;

const PROGRAM: &str = env!("CARGO_BIN_EXE_signal-demo");

waits!(wait, PROGRAM, &["wait", "USR1"], still_says_what_goes_wrong_afterwards);
waits!(ended, PROGRAM, &["ended", "1"]);

#[test]
fn no_other_command_takes_a_descriptor_for_it() -> std::io::Result<()> {
    ready::are_all_that_wait(PROGRAM, &["wait", "ended"])
}
