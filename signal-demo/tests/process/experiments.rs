//! What the experiments observe.

use std::ffi::OsStr;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::{failure, records, stdout};
use crate::{common, nobody};

/// The records that have this key.
fn with<'a>(key: &str, records: &'a [Value]) -> Vec<&'a Value> {
    records.iter().filter(|record| !record[key].is_null()).collect()
}

#[test]
fn the_story_is_told_from_fork_to_wait() {
    let story = records(&[]);
    let seen: Vec<&str> = story.iter().map(|line| line["seen"].as_str().unwrap()).collect();
    let states: Vec<&str> = seen.iter().filter_map(|seen| seen.split_once(", it ")).map(|(state, _)| state).collect();
    assert_eq!(states, ["S", "R", "T", "R", "Z", "waited for"]);
    assert!(seen[6].ends_with("reads P") && seen[7].ends_with("reads C"), "{seen:?}");
    assert_eq!(seen[11], "waited for, it exited with 42, and is gone");
    let pid = seen[0].split_whitespace().nth(5).unwrap();
    for line in [seen[1], seen[8]] {
        assert!(line.contains(pid), "{seen:?}");
    }
    assert_eq!(stdout(&["demo"]).lines().count(), story.len());
}

#[test]
fn a_forked_child_gets_copies_of_the_pages_it_writes_and_exec_keeps_its_pid() {
    let records = records(&["fork", "--pages", "500"]);
    let [private, shared] = with("memory", &records)[..] else { panic!("{records:?}") };
    assert_eq!((&private["parent_reads"], &shared["parent_reads"]), (&json!("P"), &json!("C")));
    let pages = with("pages", &records)[0];
    let faults = |of: &str| pages[of].as_u64().unwrap();
    // The counter itself and the stack are pages too.
    assert!(faults("faults_of_reading") < 50, "{pages}");
    assert!((500..550).contains(&faults("faults_of_writing")), "{pages}");
    assert!(faults("faults_of_writing_again") < 50, "{pages}");
    let exec = with("forked_pid", &records)[0];
    assert_eq!(exec["forked_pid"], exec["pid_after_exec"]);
}

#[test]
fn ids_lead_to_a_process_without_a_parent() {
    let records = records(&["ids"]);
    assert_eq!(records[0]["ppid"], std::process::id());
    assert_eq!(records[0]["name"], "process-demo");
    let chain = with("pgid", &records);
    for pair in chain.windows(2) {
        assert_eq!(pair[0]["ppid"], pair[1]["pid"]);
    }
    assert_eq!(chain.last().unwrap()["ppid"], 0);
}

#[test]
fn ids_of_a_process_that_has_gone_or_of_a_thread_are_an_error() {
    let mut gone = Command::new("true").spawn().unwrap();
    let pid = gone.id().to_string();
    gone.wait().unwrap();
    let error = format!("process-demo: process {pid}: No such process (os error 3)");
    assert_eq!(failure(&["ids", &pid]), (1, error));

    let (done, wait) = std::sync::mpsc::channel::<()>();
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || tell.send(nix::unistd::gettid()).map(|()| wait.recv()));
    let tid = told.recv().unwrap().to_string();
    let error = format!("process-demo: {tid} is a thread of process {}", std::process::id());
    assert_eq!(failure(&["ids", &tid]), (1, error));
    drop(done);
    let _ = thread.join().unwrap();
}

/// /proc is mounted once more, in a mount namespace of its own, so that it hides the processes of others.
#[test]
fn ids_say_what_proc_hides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(copy) = nobody::command(crate::PROGRAM, folder.path()) else { return };
    let script = "mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid=65534 --regid=65534 --clear-groups $@";
    let hidden = |command: &[&OsStr]| {
        common::finish(Command::new("unshare").args(["--mount", "sh", "-c", script, "sh"]).args(command))
    };
    let possible = hidden(&["true".as_ref()]);
    if !possible.status.success() {
        return common::harness::say(format_args!("skipped: /proc with hidepid: {}", common::text(&possible.stderr)));
    }
    let output = hidden(&[copy.get_program(), "ids".as_ref(), "--json".as_ref()]);
    assert_eq!(output.status.code(), Some(0), "{}", common::text(&output.stderr));
    let others = "the first process: cannot be shown here: PID 1 is not to be seen: /proc hides process 1 (hidepid)";
    assert!(common::text(&output.stderr).contains(others), "{}", common::text(&output.stderr));
    let records: Vec<Value> =
        common::text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(with("pgid", &records).len(), 2, "{records:?}");
    assert_eq!((&records[0]["name"], &records[0]["ppid"]), (&json!("process-demo"), &records[1]["pid"]));
    assert_eq!((&records[1]["hidden"], records[1].get("ppid")), (&json!(true), None));
}

#[test]
fn each_state_is_made_and_seen() {
    // t is forbidden on some machines, X is not always seen.
    let asked = ["R", "S", "D", "T", "Z"];
    let records = records(&[&["states"], &asked[..]].concat());
    let seen = |key: &str| with("how", &records).iter().map(|record| record[key].clone()).collect::<Vec<Value>>();
    assert_eq!(seen("state"), asked);
    let killed = "killed by SIGKILL";
    assert_eq!(seen("sigkill"), [killed, killed, killed, killed, "exited with 0"]);
    for state in ["t", "X"] {
        match failure(&["states", state]) {
            (0, error) => assert!(error.is_empty() || error.contains(": cannot be shown here: "), "{error}"),
            (77, error) => assert!(error.contains("cannot be shown here: "), "{error}"),
            other => panic!("{state}: {other:?}"),
        }
    }
    assert_eq!(failure(&["states", "r"]).0, 2);
}

#[test]
fn what_is_seen_of_a_state_says_of_which() {
    let records = records(&["states"]);
    for record in &records[..records.len() - 1] {
        assert!(record["state"].is_string(), "{record}");
    }
    assert!(records.last().unwrap()["made"].as_str().unwrap().starts_with("RSDT"));
}

#[test]
fn an_orphan_is_adopted_and_by_the_subreaper_if_there_is_one() {
    let record = records(&["orphan"]).remove(0);
    assert_ne!(record["ppid_before"], record["ppid_after"]);
    let program = common::spawn(&mut common::program(&["orphan", "--subreaper", "--json"]));
    let pid = program.id();
    let printed = common::text(&program.wait_with_output().unwrap().stdout);
    let record: Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
    assert_eq!(record["ppid_after"], pid);
}

#[test]
fn threads_take_numbers_of_the_series_of_processes() {
    let records = records(&["pids"]);
    let series = with("tids", &records)[0];
    assert_eq!(series["lead_to_the_process"], 5);
    let threads = series["tids"].as_array().unwrap();
    assert!(threads.iter().all(|thread| *thread != series["pid"] && *thread != series["next_pid"]));
    assert_eq!(with("ignoring", &records)[0]["ignoring"], "exited with 0");
}

#[test]
fn memory_is_touched_page_by_page_and_reached_from_outside() {
    let records = records(&["memory"]);
    let touch = with("faults_of_first_touch", &records)[0];
    assert!(touch["faults_of_first_touch"].as_u64() >= Some(1000) && touch["faults_after_that"].as_u64() < Some(100));
    for intrusion in with("written_from_outside", &records) {
        assert_eq!((&intrusion["child_reads"], &intrusion["parent_reads"]), (&json!("X"), &json!("P")));
    }
    let common = with("still_shared_kib", &records)[0];
    assert_eq!(common["written_kib"], 400 * (page_size() / 4096));
}

fn page_size() -> i64 {
    nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).unwrap().unwrap()
}

#[test]
fn two_processes_on_one_cpu_take_turns_and_compute_as_alone() {
    let records = records(&["switching"]);
    for handshakes in with("cpus", &records) {
        let switches = handshakes["switches"].as_i64().unwrap();
        match handshakes["cpus"].as_i64() {
            Some(1) => assert!(switches >= 4, "{handshakes}"),
            _ => assert_eq!(switches, 0),
        }
    }
    for computed in with("steps", &records) {
        assert_eq!(computed["result"], computed["result_without_switches"]);
    }
}
