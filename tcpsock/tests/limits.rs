//! What becomes of tcpsock where descriptors and threads are few.

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
