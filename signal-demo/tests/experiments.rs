//! What the experiments observe.

mod common;
#[path = "../../shared/tests/nobody/mod.rs"]
mod nobody;

use std::ffi::OsStr;
use std::io::Write;
use std::process::Command;

use common::{failure, records, stdout};
use serde_json::{Value, json};

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
    assert_eq!((&sigqueue["limit"], &sigqueue["refused"]), (&json!(5), &json!("EAGAIN")));
    assert!(sigqueue["sent"].as_u64() <= Some(5) && sigqueue["sent"] == sigqueue["arrived"], "{sigqueue}");
    assert_eq!((&kill["limit"], &kill["sent"], &kill["arrived"]), (&json!(0), &json!(5), &json!(1)));
}

#[test]
fn the_lowest_number_is_taken_first_however_they_were_sent() {
    let records = records(&["order"]);
    let sorted = json!(["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGTERM"]);
    for record in &records[..4] {
        assert_eq!(record["taken"], sorted, "{record}");
    }
    let nested: Vec<&Value> = sorted.as_array().unwrap().iter().rev().collect();
    assert_eq!(records[4]["taken"], json!(nested));
    assert_eq!(records[5]["taken"], json!(["SIGBUS", "SIGSEGV", "SIGHUP", "SIGTERM"]));
    assert_eq!(records[6]["taken"], json!(["SIGUSR2", "SIGUSR1"]));
}

#[test]
fn real_time_signals_keep_their_order_only_within_a_number() {
    let taken =
        json!(["SIGRTMIN(5)", "SIGRTMIN+2(2)", "SIGRTMIN+2(4)", "SIGRTMIN+6(1)", "SIGRTMIN+6(6)", "SIGRTMAX-14(3)"]);
    assert_eq!(records(&["order"]).pop().unwrap()["taken"], taken);
}

#[test]
fn kill_and_stop_leave_no_choice() {
    assert_eq!(
        stdout(&["actions"]),
        "signal=SIGUSR1 action=default observed=\"killed by SIGUSR1\"\n\
         signal=SIGUSR1 action=ignore observed=\"it goes on\"\n\
         signal=SIGUSR1 action=catch observed=\"the handler ran 1 time\"\n\
         signal=SIGUSR1 action=block observed=\"sigwait takes SIGUSR1\"\n\
         signal=SIGUSR1 action=block observed=\"signalfd reads SIGUSR1\"\n\
         signal=SIGKILL action=ignore observed=EINVAL\n\
         signal=SIGKILL action=catch observed=EINVAL\n\
         signal=SIGKILL action=block observed=\"killed by SIGKILL\"\n\
         signal=SIGSTOP action=ignore observed=EINVAL\n\
         signal=SIGSTOP action=catch observed=EINVAL\n\
         signal=SIGSTOP action=block observed=\"stopped by SIGSTOP\"\n"
    );
}

#[test]
fn ids_lead_to_a_process_without_a_parent() {
    let records = records(&["ids"]);
    assert_eq!(records[0]["ppid"], std::process::id());
    assert_eq!(records[0]["name"], "signal-demo");
    for pair in records.windows(2) {
        assert_eq!(pair[0]["ppid"], pair[1]["pid"]);
    }
    assert_eq!(records.last().unwrap()["ppid"], 0);
}

/// /proc is mounted once more, in a mount namespace of its own, so that it hides the processes of others.
#[test]
fn ids_say_what_proc_hides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(copy) = nobody::command(common::PROGRAM, folder.path()) else { return };
    let script = "mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid=65534 --regid=65534 --clear-groups $@";
    let hidden = |command: &[&OsStr]| {
        common::finish(Command::new("unshare").args(["--mount", "sh", "-c", script, "sh"]).args(command))
    };
    let possible = hidden(&["true".as_ref()]);
    if !possible.status.success() {
        let _ = writeln!(std::io::stderr(), "skipped: /proc with hidepid: {}", common::text(&possible.stderr));
        return;
    }
    let output = hidden(&[copy.get_program(), "ids".as_ref(), "--json".as_ref()]);
    assert_eq!((output.status.code(), common::text(&output.stderr)), (Some(0), String::new()));
    let records: Vec<Value> =
        common::text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 2, "{records:?}");
    assert_eq!((&records[0]["name"], &records[0]["ppid"]), (&json!("signal-demo"), &records[1]["pid"]));
    assert_eq!((&records[1]["hidden"], records[1].get("ppid")), (&json!(true), None));
}

#[test]
fn each_state_is_made_and_seen() {
    // t is forbidden on some machines, X is not always seen.
    let asked = ["R", "S", "D", "T", "Z"];
    let records = records(&[&["states"], &asked[..]].concat());
    let seen = |key: &str| records.iter().map(|record| record[key].clone()).collect::<Vec<Value>>();
    assert_eq!(seen("state"), asked);
    let killed = "killed by SIGKILL";
    assert_eq!(seen("sigkill"), [killed, killed, killed, killed, "exited with 0"]);
    for state in ["t", "X"] {
        match failure(&["states", state]) {
            (0, error) => assert_eq!(error, ""),
            (77, error) => assert!(error.contains("cannot be shown here: "), "{error}"),
            other => panic!("{state}: {other:?}"),
        }
    }
    assert_eq!(failure(&["states", "r"]).0, 2);
}

#[test]
fn an_orphan_is_adopted_and_by_the_subreaper_if_there_is_one() {
    let record = records(&["orphan"]).remove(0);
    assert_ne!(record["ppid_before"], record["ppid_after"]);
    let program = common::spawn(&mut common::program(&["orphan", "--subreaper", "--json"]));
    let pid = program.id();
    let record: Value = serde_json::from_slice(&program.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(record["ppid_after"], pid);
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
