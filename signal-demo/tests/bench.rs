//! What `bench` says.

#[path = "../../shared/tests/bench/mod.rs"]
mod bench;

const PROGRAM: &str = env!("CARGO_BIN_EXE_signal-demo");

#[test]
fn quick_measures_every_mechanism() -> std::io::Result<()> {
    bench::quick_measures_every_mechanism(
        PROGRAM,
        &[
            ("signal", &[0]),
            ("signal, real-time", &[4]),
            ("signal, mio registry", &[0]),
            ("signal, epoll+signalfd", &[0]),
        ],
    )
}

#[test]
fn an_unknown_mechanism_is_wrong_usage() -> std::io::Result<()> {
    bench::an_unknown_mechanism_is_wrong_usage(PROGRAM, "signal")
}
