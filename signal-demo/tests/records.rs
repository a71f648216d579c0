//! What `list --kernel`, `order`, `sources`, `actions --first-process`, `permission` and `notify` observe.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;
#[path = "../../shared/tests/nobody/mod.rs"]
mod nobody;

use common::{errors, failure, finish, harness, records, run, text};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_signal-demo");

/// Where the machine can show it: otherwise the reason is printed.
fn records_if_possible(arguments: &[&str]) -> Option<Vec<Value>> {
    let output = run(&[arguments, &["--json"]].concat());
    if output.status.code() == Some(77) {
        harness::say(format_args!("skipped: {}", text(&output.stderr)));
        return None;
    }
    assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()), "{arguments:?}");
    Some(text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn the_kernel_has_the_signals_that_the_c_library_hides_and_queues_them() {
    let Some(records) = records_if_possible(&["list", "--kernel"]) else { return };
    let (first, last) = (libc::SIGRTMIN(), libc::SIGRTMAX());
    let (c_library, hidden) = (31 + last - first + 1, format!("32-{}", first - 1));
    assert_eq!(records[0], json!({ "c_library": c_library, "kernel": "1-64", "killed_by": hidden }));
    assert_eq!(records[1], json!({ "sent": 3, "once": "1-8 10-18 20-31", "each_time": "32-64" }));
    assert_eq!(records[2]["refused_numbers"], json!([-1, 0]));
    assert_eq!(failure(&["list", "--kernel", "INT"]).0, 2);
}

#[test]
fn in_whatever_order_they_are_sent_they_come_in_one() {
    let orders = records(&["order"]).into_iter().find(|record| record.get("orders_sent").is_some()).unwrap();
    let counts = ["orders_sent", "orders_taken", "orders_handled"].map(|key| orders[key].as_u64().unwrap());
    assert_eq!(counts, [10, 1, 1]);
    assert_eq!(orders["taken_signals"], orders["handled_signals"]);
}

#[test]
fn ctrl_c_reaches_the_launcher_and_what_it_started() {
    let Some(records) = records_if_possible(&["sources"]) else { return };
    let typed = records.iter().find(|record| record["typed"] == "^C").unwrap();
    assert_eq!([&typed["launcher"], &typed["program"]], ["killed by SIGINT"; 2]);
}

#[test]
fn signals_come_from_four_sources_and_interrupt_where_a_store_does_not() {
    let Some(records) = records_if_possible(&["sources"]) else { return };
    let sources: Vec<_> = records.iter().filter(|record| record.get("from").is_some()).collect();
    let froms: std::collections::BTreeSet<_> = sources.iter().map(|source| source["from"].as_str().unwrap()).collect();
    assert_eq!(froms.len(), 4, "{froms:?}");
    assert!(sources.iter().all(|source| source["observed"].as_str().unwrap().starts_with("killed by ")), "{sources:?}");
    let reached: Vec<_> = records.iter().filter(|record| record.get("means").is_some()).collect();
    let interrupts: Vec<_> = reached.iter().map(|reached| (&reached["means"], &reached["interrupts"])).collect();
    assert_eq!(interrupts, [(&json!("signal"), &json!(true)), (&json!("shared memory"), &json!(false))]);
    let [first, second] = [0, 1].map(|i| reached[i]["at"].as_u64().unwrap());
    assert!(0 < first && first < second, "{reached:?}");
}

#[test]
fn a_program_prints_on_when_its_launcher_is_stopped_and_killed() {
    let Some(records) = records_if_possible(&["sources"]) else { return };
    assert_eq!(
        records[records.len() - 3..],
        [
            json!({ "program_prints": true }),
            json!({ "launcher": "stopped by SIGSTOP", "program_prints": true }),
            json!({ "launcher": "killed by SIGKILL", "program_prints": true }),
        ]
    );
}

#[test]
fn what_the_first_process_sends_itself_does_nothing() {
    let Some(records) = records_if_possible(&["actions", "--first-process"]) else { return };
    assert_eq!(records.last(), Some(&json!({ "pid": 1, "observed": "exited with 0" })));
}

#[test]
fn whoever_is_not_the_superuser_may_stop_and_kill_only_their_own() {
    let Some(records) = records_if_possible(&["permission"]) else { return };
    for record in records {
        let allowed = record["sender_uid"] == 0 || record["sender_uid"] == record["target_uid"];
        if allowed {
            assert_eq!(
                [&record["sigstop"], &record["sigkill"]],
                ["stopped by SIGSTOP", "killed by SIGKILL"],
                "{record}"
            );
        } else {
            assert_eq!(record["kill_error"], "EPERM", "{record}");
        }
    }
}

#[test]
fn a_user_asks_the_processes_of_others_without_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut command) = nobody::command(PROGRAM, folder.path()) else { return };
    let output = finish(command.args(["permission", "--json"]));
    if output.status.code() == Some(77) {
        harness::say(format_args!("skipped: {}", text(&output.stderr)));
        return;
    }
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    let others: Value = serde_json::from_str(text(&output.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(others.get("target_uid"), None);
    assert_eq!(others["kill_error"], "EPERM", "{others}");
}

#[test]
fn channels_keep_to_what_os_signal_promises() {
    let records = records(&["notify"]);
    let kept: Vec<_> = records[..3].iter().map(|channel| (&channel["received"], &channel["missed"])).collect();
    assert_eq!(kept, [(&json!(0), &json!(10)), (&json!(3), &json!(7)), (&json!(10), &json!(0))]);
    let fates: Vec<_> = records[3..8].iter().map(|fate| fate["observed"].as_str().unwrap()).collect();
    let (lives, dies) = ("exited with 0", "killed by SIGINT");
    assert_eq!(fates, [lives, dies, dies, lives, lives]);
    assert_eq!(
        records[8],
        json!({ "sent_before": 1, "sent_after": 1, "waits_until_closed": true, "received": 1, "other_received": 2 })
    );
    assert_eq!(records[9]["first_received"], json!([10, 12]));
    assert_eq!(records[9]["second_received_then"], json!([12]));
}
