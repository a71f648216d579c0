//! `wait` as a loop, and `ended`.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use common::{Waiting, failure, program, run, stdout, text};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_signal-demo");

#[test]
fn with_count_0_it_waits_until_a_signal_comes_that_it_does_not_wait_for() {
    for ending in ["TERM", "INT", "HUP"] {
        let waiting = Waiting::start(&["RTMIN+5", "--count", "0"]);
        for value in 1..=20 {
            stdout(&["send", &waiting.pid(), "RTMIN+5", "--value", &value.to_string()]);
        }
        stdout(&["send", &waiting.pid(), ending]);
        let output = waiting.finish();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{ending}");
        assert_eq!(text(&output.stdout).lines().count(), 20, "{ending}");
    }
}

#[test]
fn a_signal_that_it_waits_for_does_not_end_it() {
    let waiting = Waiting::start(&["TERM", "--count", "0", "--go"]);
    stdout(&["send", &waiting.pid(), "TERM"]);
    stdout(&["send", &waiting.pid(), "INT"]);
    let output = waiting.finish();
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "Received a signal: terminated\n".to_owned()));
}

#[test]
fn with_count_0_it_ends_once_nobody_reads_what_it_prints_before_it_prints_more() {
    let mut waiting = Waiting::start(&["USR1", "--count", "0"]);
    waiting.hang_up();
    let output = waiting.finish();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn with_count_0_a_file_and_a_limit_of_time_will_do() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut wait = program(&["wait", "USR1", "--count", "0", "--timeout", "10ms"]);
    assert_eq!(wait.stdout(file.reopen().unwrap()).stderr(Stdio::null()).status().unwrap().code(), Some(124));
}

#[test]
fn go_names_signals_as_the_note_s_loop_does() {
    let waiting = Waiting::start(&["INT", "HUP", "USR1", "RTMIN", "--count", "4", "--go"]);
    stdout(&["send", &waiting.pid(), "STOP"]);
    for signal in ["RTMIN", "USR1", "INT", "HUP"] {
        stdout(&["send", &waiting.pid(), signal]);
    }
    stdout(&["send", &waiting.pid(), "CONT"]);
    let words = ["hangup", "interrupt", "user defined signal 1", &format!("signal {}", nix::libc::SIGRTMIN())];
    let output = text(&waiting.finish().stdout);
    assert!(output.lines().eq(words.map(|word| format!("Received a signal: {word}"))), "{output}");
    assert_eq!(failure(&["wait", "INT", "--go", "--json"]).0, 2);
}

/// A process of ours, and no child of the program's; it ends when its stdin does.
fn bystander() -> Child {
    Command::new("cat").stdin(Stdio::piped()).spawn().unwrap()
}

fn ended(arguments: &[&str]) -> Waiting {
    Waiting::start_command(&mut program(&[&["ended", "--timeout", "50s", "--json"], arguments].concat()))
}

fn observed(waiting: Waiting) -> Vec<Value> {
    let output = waiting.finish();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn ended_waits_for_all_of_them_and_tells_how_each_zombie_ended() {
    let (mut one, mut other) = (bystander(), bystander());
    let waiting = ended(&[&one.id().to_string(), &other.id().to_string()]);
    other.kill().unwrap();
    drop(one.stdin.take());
    let told = [
        json!({ "pid": one.id(), "observed": "exited with 0" }),
        json!({ "pid": other.id(), "observed": "killed by SIGKILL" }),
    ];
    assert_eq!(observed(waiting), told);
    assert!(one.wait().unwrap().success());
    assert_eq!(other.wait().unwrap().signal(), Some(9));
}

/// Its parent has had its exit status; since Linux 6.15 the descriptor tells it as well.
#[test]
fn ended_means_the_same_process_when_it_has_been_reaped() {
    let mut process = bystander();
    let pid = process.id().to_string();
    let waiting = ended(&[&pid]);
    stdout(&["send", &waiting.pid(), "STOP"]);
    process.kill().unwrap();
    process.wait().unwrap();
    stdout(&["send", &waiting.pid(), "CONT"]);
    let record = observed(waiting).remove(0);
    assert_eq!(record["pid"], process.id());
    assert!([&Value::Null, &json!("killed by SIGKILL")].contains(&&record["observed"]), "{record}");

    let gone = format!("signal-demo: process {pid}: No such process (os error 3)");
    assert_eq!(failure(&["ended", &pid]), (1, gone));
    let output = run(&["ended", "--exited", &pid]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), format!("pid={pid}\n")));
}

#[test]
fn ended_names_at_the_deadline_those_that_go_on() {
    let (mut here, mut gone) = (bystander(), bystander());
    gone.kill().unwrap();
    let pids = [here.id().to_string(), gone.id().to_string()];
    let output = run(&["ended", "--timeout", "10ms", &pids[0], &pids[1]]);
    here.kill().unwrap();
    here.wait().unwrap();
    gone.wait().unwrap();
    assert_eq!(output.status.code(), Some(124));
    assert!(text(&output.stderr).ends_with(&format!("\nsignal-demo: still there: {}\n", pids[0])));
    assert_eq!(text(&output.stdout), format!("pid={} observed=\"killed by SIGKILL\"\n", pids[1]));
}
