//! The everyday tools: list, send, wait, mask.

mod common;
#[path = "../../shared/tests/nobody/mod.rs"]
mod nobody;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use common::{Waiting, failure, finish, harness, program, records, stdout, text, waiting};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_signal-demo");

fn record(arguments: &[&str]) -> Value {
    records(arguments).remove(0)
}

/// What bash prints, where there is one.
fn kill_l() -> Option<String> {
    let bash = harness::find_tool("bash")?;
    let output = finish(Command::new(bash).args(["-c", "kill -l"]).env_remove("POSIXLY_CORRECT"));
    Some(text(&output.stdout))
}

#[test]
fn list_has_the_signals_that_bash_has() {
    let Some(bash) = kill_l() else { return };
    let bash: Vec<String> = bash.split_whitespace().map(str::to_owned).collect();
    let bash: Vec<_> = bash.chunks(2).map(|pair| (pair[0].trim_end_matches(')').to_owned(), pair[1].clone())).collect();
    let ours: Vec<_> = records(&["list"])
        .iter()
        .map(|record| (record["number"].to_string(), record["name"].as_str().unwrap().to_owned()))
        .collect();
    let all = 31 + libc::SIGRTMAX() - libc::SIGRTMIN() + 1;
    assert_eq!(ours.len(), usize::try_from(all).unwrap());
    if bash.len() != ours.len() {
        return harness::say(format_args!("skipped: bash has a C library with {} signals", bash.len()));
    }
    assert_eq!(ours, bash);
}

#[test]
fn the_table_is_the_note_s_as_bash_prints_it() {
    let table = stdout(&["list", "--table"]);
    assert_eq!(table.lines().next(), Some(" 1) SIGHUP\t 2) SIGINT\t 3) SIGQUIT\t 4) SIGILL\t 5) SIGTRAP"));
    assert!(!table.contains("32)") && !table.contains("33)"), "{table}");
    let rows = records(&["list", "--table"]);
    let last = rows.last().unwrap()["row"].as_array().unwrap().last().unwrap();
    assert_eq!(*last, json!({"number": libc::SIGRTMAX(), "name": "SIGRTMAX"}));
    let Some(bash) = kill_l() else { return };
    if bash.matches(')').count() != table.matches(')').count() {
        return harness::say(format_args!("skipped: bash has a C library with other signals"));
    }
    assert!(table.lines().eq(bash.lines().map(str::trim_end)), "{table}");
}

#[test]
fn list_finds_out_what_each_signal_does() {
    let of = |number: u64| match number {
        17 | 23 | 28 => "ignore",
        18 => "continue",
        19..=22 => "stop",
        3..=8 | 11 | 24 | 25 | 31 => "core",
        _ => "term",
    };
    let output = common::run(&["list", "--json"]);
    for line in text(&output.stdout).lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let number = record["number"].as_u64().unwrap();
        assert_eq!(record["default"], of(number), "{record}");
        assert_eq!(record["catchable"], number != 9 && number != 19, "{record}");
        assert_eq!(record["kind"], if number < 32 { "standard" } else { "real-time" }, "{record}");
    }
}

#[test]
fn list_leaves_no_core_and_no_folder_behind() {
    let folder = tempfile::tempdir().unwrap();
    finish(common::program(&["list"]).env("TMPDIR", folder.path()).current_dir(folder.path()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn list_looks_one_up_by_any_of_its_names() {
    let (first, last) = (libc::SIGRTMIN(), libc::SIGRTMAX());
    for (word, number) in
        [("INT", 2), ("sigint", 2), ("35", 35), ("SIGRTMIN+1", first + 1), ("rtmax", last), ("CLD", libc::SIGCHLD)]
    {
        let line = text(&common::run(&["list", word]).stdout);
        assert!(line.starts_with(&format!("number={number} ")), "{word}: {line}");
    }
    for word in ["32", "33", "65", "0", "NOSUCH", "-1"] {
        assert_eq!(failure(&["list", "--", word]).0, 2, "{word}");
    }
}

#[test]
fn real_time_signals_arrive_in_order_with_their_values_and_their_sender() {
    let waiting = Waiting::start(&["SIGRTMIN+3", "--count", "4", "--json"]);
    for value in ["3", "-1", "2147483647", "-2147483648"] {
        stdout(&["send", &waiting.pid(), "RTMIN+3", "--value", value]);
    }
    let output = waiting.finish();
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let values: Vec<_> = lines.iter().map(|line| line["value"].as_i64().unwrap()).collect();
    assert_eq!(values, [3, -1, 2_147_483_647, -2_147_483_648]);
    for line in lines {
        assert_eq!(line["code"], "SI_QUEUE");
        assert_eq!(line["number"], libc::SIGRTMIN() + 3);
        assert_eq!(line["uid"], nix::unistd::getuid().as_raw());
    }
}

#[test]
fn signals_that_come_all_at_once_are_all_told() {
    let waiting = Waiting::start(&["RTMIN+4", "--count", "20"]);
    stdout(&["send", &waiting.pid(), "STOP"]);
    for value in 1..=20 {
        stdout(&["send", &waiting.pid(), "RTMIN+4", "--value", &value.to_string()]);
    }
    stdout(&["send", &waiting.pid(), "CONT"]);
    let output = text(&waiting.finish().stdout);
    let values: Vec<u32> = output.lines().map(|line| line.rsplit('=').next().unwrap().parse().unwrap()).collect();
    assert_eq!(values, (1..=20).collect::<Vec<_>>());
}

#[test]
fn wait_names_kill_as_the_sender_sent_it() {
    let waiting = Waiting::start(&["INT", "TERM"]);
    let mut kill = Command::new("sh").args(["-c", &format!("kill -TERM {}", waiting.pid())]).spawn().unwrap();
    let sender = kill.id();
    kill.wait().unwrap();
    let uid = nix::unistd::getuid();
    let line = format!("signal=SIGTERM number=15 pid={sender} uid={uid} code=SI_USER value=0\n");
    assert_eq!(text(&waiting.finish().stdout), line);
}

#[test]
fn wait_gets_a_signal_that_was_ignored_at_its_start() {
    let script = "trap '' INT; exec \"$0\" wait --timeout 50s INT";
    let waiting = Waiting::start_command(Command::new("sh").args(["-c", script, PROGRAM]));
    stdout(&["send", &waiting.pid(), "INT"]);
    assert!(text(&waiting.finish().stdout).starts_with("signal=SIGINT "));
}

#[test]
fn wait_gives_up_in_time_and_refuses_what_cannot_be_caught() {
    assert_eq!(failure(&["wait", "USR1", "--timeout", "10ms"]).0, 124);
    let refused = "signal-demo: SIGKILL cannot be caught, blocked or ignored";
    assert_eq!(failure(&["wait", "USR1", "KILL"]), (2, refused.to_owned()));
    assert_eq!(failure(&["wait"]).0, 2);
}

#[test]
fn mask_names_what_is_blocked_ignored_and_caught() {
    let waiting = Waiting::start(&["USR1", "RTMIN+7"]);
    let mask = record(&["mask", &waiting.pid()]);
    waiting.end();
    assert_eq!(mask["blocked_signals"], json!(["SIGUSR1", "SIGRTMIN+7"]));
    assert_eq!(mask["pending_signals"], json!([]));
    assert!(mask["ignored_signals"].as_array().unwrap().contains(&json!("SIGPIPE")), "{mask}");
}

#[test]
fn a_process_that_has_gone_is_an_error() {
    let mut gone = Command::new("true").spawn().unwrap();
    let pid = gone.id().to_string();
    gone.wait().unwrap();
    let error = format!("signal-demo: process {pid}: No such process (os error 3)");
    assert_eq!(failure(&["send", &pid, "INT"]), (1, error.clone()));
    assert_eq!(failure(&["mask", &pid]), (1, error));
}

#[test]
fn signal_0_asks_whether_a_process_is_there() {
    let waiting = Waiting::start(&["USR1"]);
    let pid = waiting.pid();
    assert_eq!(stdout(&["send", &pid, "0"]), format!("number=0 pid={pid}\n"));
    assert_eq!(record(&["send", &pid, "0"]), json!({"number": 0, "pid": pid.parse::<u32>().unwrap()}));
    waiting.end();
    assert_eq!(failure(&["send", &pid, "0"]), (1, format!("signal-demo: process {pid}: No such process (os error 3)")));
}

#[test]
fn a_thread_is_no_process() {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || tell.send(nix::unistd::gettid()).map(|()| wait.recv()));
    let tid = told.recv().unwrap().to_string();
    let error = format!("signal-demo: {tid} is a thread of process {}", std::process::id());
    for arguments in [&["send", &tid, "0"][..], &["mask", &tid]] {
        assert_eq!(failure(arguments), (1, error.clone()), "{arguments:?}");
    }
    drop(done);
    let _ = thread.join().unwrap();
}

/// The process is a child of root's, or, where the tests have no privileges, whatever runs as PID 1.
/// The signal is not SIGCONT: that may be sent to everybody in the same session.
#[test]
fn a_process_of_another_user_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut command) = nobody::command(PROGRAM, folder.path()) else { return };
    let us = nix::unistd::geteuid();
    if !us.is_root() && fs::metadata("/proc/1").unwrap().uid() == us.as_raw() {
        return harness::say(format_args!("skipped: no process of another user to signal"));
    }
    let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let target = if us.is_root() { cat.id() } else { 1 };
    let pid = target.to_string();
    let output = finish(command.args(["send", &pid, "WINCH"]));
    let asked = nobody::command(PROGRAM, folder.path()).map(|mut ask| finish(ask.args(["send", &pid, "0"])));
    cat.kill().unwrap();
    cat.wait().unwrap();
    assert_eq!(
        (output.status.code(), text(&output.stdout), text(&output.stderr)),
        (
            Some(1),
            String::new(),
            format!("signal-demo: send SIGWINCH to {target}: Operation not permitted (os error 1)\n")
        )
    );
    let (asked, refused) =
        (asked.unwrap(), format!("signal-demo: send 0 to {target}: Operation not permitted (os error 1)\n"));
    assert_eq!((asked.status.code(), text(&asked.stderr)), (Some(1), refused));
}

#[test]
fn a_number_that_is_no_pid_is_wrong_usage() {
    for pid in ["0", "-1", "x", "99999999999", ""] {
        assert_eq!(failure(&["send", "--", pid, "INT"]).0, 2, "{pid}");
    }
    assert_eq!(failure(&["send", "--name", "x", "1", "INT"]).0, 2);
    assert_eq!(failure(&["send", "INT"]).0, 2);
}

#[test]
fn a_name_must_be_that_of_exactly_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("bystander-of-{}", std::process::id());
    let path = folder.path().join(&name);
    symlink(PROGRAM, &path).unwrap();
    let similar = folder.path().join(format!("{name}-2"));
    symlink(PROGRAM, &similar).unwrap();

    let mut sleepers: Vec<_> = [&path, &path, &similar].map(|path| waiting(path).spawn().unwrap()).into();
    let (code, error) = failure(&["send", "--name", &name, "TERM"]);
    assert_eq!(code, 1);
    assert!(error.starts_with(&format!("signal-demo: 2 processes are named {name}: ")), "{error}");
    for sleeper in &sleepers[..2] {
        assert!(error.contains(&sleeper.id().to_string()), "{error}");
    }
    sleepers[0].kill().unwrap();
    sleepers[0].wait().unwrap();

    stdout(&["send", "--name", &name, "TERM"]);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&sleepers[1].wait().unwrap()), Some(15));
    assert_eq!(failure(&["send", "--name", &name, "TERM"]), (1, format!("signal-demo: no process is named {name}")));

    assert_eq!(sleepers[2].try_wait().unwrap(), None);
    sleepers[2].kill().unwrap();
    sleepers[2].wait().unwrap();
}

/// The file, what it calls itself at its start, and a name by which it is to be found.
#[test]
fn a_process_is_found_by_each_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let us = std::process::id();
    let long = |text: &str| OsString::from(format!("{us}-{text}"));
    let (plain, chinese) = (long("longer-than-15-bytes"), long("名字很长的程序"));
    let latin = OsString::from_vec([format!("{us}-").as_bytes(), b"\xe9t\xe9-longer-than-15"].concat());
    let title = long("title: idle/busy");
    let cut = |name: &OsStr| OsString::from_vec(name.as_bytes()[..15].to_vec());
    let cases: [(&OsStr, &OsStr, &OsStr); 10] = [
        (&plain, &plain, &plain),
        (&plain, &plain, &cut(&plain)),
        (&plain, &title, &plain),
        (&plain, &title, &title),
        (&chinese, &chinese, &chinese),
        (&chinese, &title, &chinese),
        (&chinese, &chinese, &cut(&chinese)),
        (&latin, &latin, &latin),
        (&latin, &title, &cut(&latin)),
        (&long("short")[..], &title, &title),
    ];
    for (file, title, name) in cases {
        let path = folder.path().join(file);
        // By cp: what we had open for writing could not be executed while another test forks.
        assert!(Command::new("cp").arg(PROGRAM).arg(&path).status().unwrap().success());
        let mut sleeper = waiting(&path).arg0(title).spawn().unwrap();
        let sent = finish(program(&["send", "0", "--json", "--name"]).arg(name));
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        assert_eq!(text(&sent.stderr), "", "{file:?} {title:?} {name:?}");
        let record: Value = serde_json::from_slice(&sent.stdout).unwrap();
        assert_eq!(record, json!({"number": 0, "pid": sleeper.id(), "name": name.to_string_lossy()}));
    }
}

#[test]
fn a_name_never_means_the_program_itself() {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("self-{}", std::process::id() % 100_000);
    let copy = folder.path().join(&name);
    symlink(PROGRAM, &copy).unwrap();
    let output = finish(Command::new(&copy).args(["send", "--name", &name, "KILL"]));
    assert_eq!(text(&output.stderr), format!("signal-demo: no process is named {name}\n"));
}
