//! The commands of tcpsock that wait for others say since when.

#[path = "../../shared/tests/ready/mod.rs"]
mod ready;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tcpsock");

waits!(plain, PROGRAM, &["plain", "--address", "127.0.0.1:0"]);
waits!(
    serve,
    PROGRAM,
    &["serve", "--address", "127.0.0.1:0"],
    still_says_what_goes_wrong_afterwards,
    serves_though_nobody_reads_its_stdout,
    tells_the_service_manager
);

#[test]
fn no_other_command_takes_a_descriptor_for_it() -> std::io::Result<()> {
    ready::are_all_that_wait(PROGRAM, &["plain", "serve"])
}
