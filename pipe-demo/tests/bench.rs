//! What `bench` says.

#[path = "../../shared/tests/bench/mod.rs"]
mod bench;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pipe-demo");
const SIZES: &[u64] = &[64, 65536];

#[test]
fn quick_measures_every_mechanism() -> std::io::Result<()> {
    bench::quick_measures_every_mechanism(
        PROGRAM,
        &[("pipe", SIZES), ("pipe, mio", SIZES), ("io-pipe, threads", SIZES), ("shared memory, futex", SIZES)],
    )
}

#[test]
fn a_round_trip_is_two_reads_and_two_writes() -> std::io::Result<()> {
    bench::a_round_trip_is_two_reads_and_two_writes(PROGRAM, "pipe")
}

#[test]
fn an_unknown_mechanism_is_wrong_usage() -> std::io::Result<()> {
    bench::an_unknown_mechanism_is_wrong_usage(PROGRAM, "pipe")
}

#[test]
fn files_of_the_users_are_opened_within_the_timeout() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let fifo = folder.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU)?;
    let bench =
        std::process::Command::new(PROGRAM).args(["bench", "--timeout", "100ms", "--records"]).arg(&fifo).output()?;
    assert_eq!(bench.status.code(), Some(124));
    assert!(String::from_utf8_lossy(&bench.stderr).ends_with("bench: not done after 100ms\n"));
    Ok(())
}
