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
