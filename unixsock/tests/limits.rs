//! What becomes of unixsock where descriptors and threads are few.

#[path = "../../shared/tests/nobody/mod.rs"]
mod nobody;
#[path = "../../shared/tests/starved/mod.rs"]
mod starved;

#[test]
fn no_command_hangs_or_panics_for_want_of_descriptors_or_threads() {
    let commands: [&[&str]; 5] =
        [&["demo"], &["boundaries"], &["names"], &["unixgram"], &["bench", "--quick", "--pin", "same", "unix"]];
    starved::every_command_ends_and_says_why(env!("CARGO_BIN_EXE_unixsock"), &commands);
}
