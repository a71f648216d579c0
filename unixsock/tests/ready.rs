//! The commands of unixsock that wait for others say since when.

#[path = "../../shared/tests/ready/mod.rs"]
mod ready;

const PROGRAM: &str = env!("CARGO_BIN_EXE_unixsock");

waits!(
    serve,
    PROGRAM,
    &["serve", "--address", "socket"],
    still_says_what_goes_wrong_afterwards,
    serves_though_nobody_reads_its_stdout,
    tells_the_service_manager
);
waits!(pass_fd_recv, PROGRAM, &["pass-fd", "recv", "socket"], still_says_what_goes_wrong_afterwards);

#[test]
fn no_other_command_takes_a_descriptor_for_it() -> std::io::Result<()> {
    ready::are_all_that_wait(PROGRAM, &["serve", "pass-fd recv"])
}
