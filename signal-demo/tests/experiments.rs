//! What the experiments observe.

mod common;

use common::{records, stdout};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_signal-demo");

#[test]
fn a_blocked_standard_signal_waits_once_and_a_real_time_one_each_time() {
    let records = records(&["queue", "--count", "7"]);
    let arrived = |signal: &str, blocked: bool, by: &str| {
        let found = records.iter().find(|record| {
            record["signal"] == signal
                && record["blocked"] == blocked
                && record["sent_by"] == by
                && record["limit"].is_null()
        });
        found.unwrap()["arrived"].as_u64().unwrap()
    };
    assert_eq!(arrived("SIGUSR1", true, "kill"), 1);
    assert_eq!(arrived("SIGUSR1", false, "kill"), 7);
    assert_eq!(arrived("SIGRTMIN", true, "kill"), 7);
    assert_eq!(arrived("SIGRTMIN", true, "sigqueue"), 7);
}

#[test]
fn at_the_limit_sigqueue_says_eagain_and_kill_keeps_one() {
    let records = records(&["queue"]);
    let [.., sigqueue, kill] = &records[..] else { panic!("{records:?}") };
    assert_eq!((&sigqueue["limit"], &sigqueue["next_send_error"]), (&json!(5), &json!("EAGAIN")));
    assert!(sigqueue["sent"].as_u64() <= Some(5) && sigqueue["sent"] == sigqueue["arrived"], "{sigqueue}");
    assert_eq!((&kill["limit"], &kill["sent"], &kill["arrived"]), (&json!(0), &json!(5), &json!(1)));
}

#[test]
fn the_lowest_number_is_taken_first_however_they_were_sent() {
    let records = records(&["order"]);
    let sorted = json!(["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGTERM"]);
    for record in &records[..4] {
        assert_eq!(record["taken_signals"], sorted, "{record}");
    }
    let nested: Vec<&Value> = sorted.as_array().unwrap().iter().rev().collect();
    assert_eq!(records[4]["taken_signals"], json!(nested));
    assert_eq!(records[5]["taken_signals"], json!(["SIGBUS", "SIGSEGV", "SIGHUP", "SIGTERM"]));
    assert_eq!(records[6]["taken_signals"], json!(["SIGUSR2", "SIGUSR1"]));
}

#[test]
fn real_time_signals_keep_their_order_only_within_a_number() {
    // Above the middle they count down from the last, of which the C library knows the number.
    let last = format!("SIGRTMAX-{}(3)", libc::SIGRTMAX() - libc::SIGRTMIN() - 16);
    let taken = json!(["SIGRTMIN(5)", "SIGRTMIN+2(2)", "SIGRTMIN+2(4)", "SIGRTMIN+6(1)", "SIGRTMIN+6(6)", last]);
    assert_eq!(records(&["order"]).pop().unwrap()["taken_signals"], taken);
}

#[test]
fn kill_and_stop_leave_no_choice() {
    assert_eq!(
        stdout(&["actions"]),
        "signal=SIGUSR1 action=default observed=\"killed by SIGUSR1\"\n\
         signal=SIGUSR1 action=ignore observed=\"exited with 0\"\n\
         signal=SIGUSR1 action=catch handler_ran=1\n\
         signal=SIGUSR1 action=block taken_by=sigwait taken_signals=[\"SIGUSR1\"]\n\
         signal=SIGUSR1 action=block taken_by=signalfd taken_signals=[\"SIGUSR1\"]\n\
         signal=SIGKILL action=ignore sigaction=EINVAL\n\
         signal=SIGKILL action=catch sigaction=EINVAL\n\
         signal=SIGKILL action=block observed=\"killed by SIGKILL\"\n\
         signal=SIGSTOP action=ignore sigaction=EINVAL\n\
         signal=SIGSTOP action=catch sigaction=EINVAL\n\
         signal=SIGSTOP action=block observed=\"stopped by SIGSTOP\"\n"
    );
}

#[test]
fn the_registry_differs_from_go_as_its_head_says() {
    let records = records(&["notify"]);
    let [.., each_time, lowest_first, stopped, reset, all] = &records[..] else { panic!("{records:?}") };
    assert_eq!((&each_time["sent"], &each_time["received"]), (&json!(40), &json!(40)));
    assert_eq!(lowest_first["sent_signals"], json!(["SIGUSR2", "SIGUSR1"]));
    assert_eq!(lowest_first["received_signals"], json!(["SIGUSR1", "SIGUSR2"]));
    assert_eq!([&stopped["observed"], &reset["observed"]], ["killed by SIGUSR1", "killed by SIGINT"]);
    assert_eq!((&all["sent"], &all["refused_signals"]), (&all["received"], &json!(["SIGKILL", "SIGSTOP"])));
}

#[test]
fn bench_compares_the_registry_with_the_bare_loop() {
    let records = records(&["bench", "--registry", "--count", "50"]);
    let rows: Vec<_> = records.iter().map(|record| (&record["mechanism"], &record["how"])).collect();
    let (bare, twin) = (json!("epoll+signalfd"), json!("registry"));
    let (alone, two) = (json!("self"), json!("ping-pong"));
    assert_eq!(rows, [(&bare, &alone), (&twin, &alone), (&bare, &two), (&twin, &two)]);
    assert!(records.iter().all(|record| record["round_trip_ns"].as_u64() > Some(0)));
}
