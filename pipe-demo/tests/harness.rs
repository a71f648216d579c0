//! What the harness of `bench` costs.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;
use std::time::Instant;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};

const ROUNDS: usize = 7;
const BATCH: u32 = 100;

#[test]
#[ignore = "measures: cargo test --release --package pipe-demo --test harness -- --ignored --nocapture"]
fn a_bare_loop_is_within_three_percent_of_what_bench_reports() {
    for bytes in [64, 64 << 10] {
        let (mut bare, mut reported) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            bare.push(bare_loop(bytes));
            reported.push(bench(bytes));
        }
        let (bare, reported) = (median(bare), median(reported));
        let ratio = reported / bare;
        writeln!(io::stderr(), "{bytes} bytes: bare {bare:.3} us, bench {reported:.3} us, ratio {ratio:.3}").unwrap();
        assert!((0.97..1.03).contains(&ratio));
    }
}

fn bench(bytes: usize) -> f64 {
    let mut program = Command::new(env!("CARGO_BIN_EXE_pipe-demo"));
    let output = program.args(["bench", "--pin", "same", "--json", "pipe"]).output().unwrap();
    let records = String::from_utf8(output.stdout).unwrap();
    let mut records = records.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    records.find(|record| record["size"] == bytes).unwrap()["p50_us"].as_f64().unwrap()
}

/// The median of many batches of round trips, in microseconds each, on one CPU.
fn bare_loop(bytes: usize) -> f64 {
    let before = sched_getaffinity(Pid::from_raw(0)).unwrap();
    let first = (0..CpuSet::count()).find(|&cpu| before.is_set(cpu) == Ok(true)).unwrap();
    let mut one = CpuSet::new();
    one.set(first).unwrap();
    sched_setaffinity(Pid::from_raw(0), &one).unwrap();

    let ((their_input, our_output), (our_input, their_output)) = (io::pipe().unwrap(), io::pipe().unwrap());
    let file = |end: OwnedFd| File::from(end);
    let (mut input, mut output) = (file(our_input.into()), file(our_output.into()));
    let mut buffer = vec![0; bytes];
    // SAFETY: the child makes system calls only.
    #[allow(unsafe_code, reason = "as bare as a loop can be")]
    let child = match unsafe { fork() }.unwrap() {
        // SAFETY: as above.
        ForkResult::Child => unsafe {
            // Else it would not see the end.
            libc::close(output.as_raw_fd());
            libc::close(input.as_raw_fd());
            loop {
                let mut got = 0;
                while got < bytes {
                    let count = libc::read(their_input.as_raw_fd(), buffer.as_mut_ptr().add(got).cast(), bytes - got);
                    if count <= 0 {
                        libc::_exit(0);
                    }
                    got += count.unsigned_abs();
                }
                libc::write(their_output.as_raw_fd(), buffer.as_ptr().cast(), bytes);
            }
        },
        ForkResult::Parent { child } => child,
    };
    drop((their_input, their_output));
    let mut batches = Vec::new();
    let message = vec![7; bytes];
    for _ in 0..200 {
        let start = Instant::now();
        for _ in 0..BATCH {
            output.write_all(&message).unwrap();
            input.read_exact(&mut buffer).unwrap();
        }
        batches.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(BATCH));
    }
    drop((input, output));
    waitpid(child, None).unwrap();
    sched_setaffinity(Pid::from_raw(0), &before).unwrap();
    median(batches)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
