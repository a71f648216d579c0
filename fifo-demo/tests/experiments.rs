//! What `demo`, `open-modes`, `eof` and `mux` show, and that they leave nothing.

#![allow(
    clippy::unwrap_used,
    clippy::zombie_processes,
    reason = "a test that fails early ends with its children: all end by themselves"
)]

mod common;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Output};
use std::thread;

use common::{Bench, PROGRAM, Result, code, errors, harness, signal, text};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use shared::linux::memory::least_torn_write;

fn records(output: &Output) -> Vec<Value> {
    assert_eq!((code(output), errors(output).as_str()), (Some(0), ""));
    text(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// In the folder, a core file would be taken for something left behind.
fn without_core(command: &mut Command) {
    // SAFETY: setrlimit(2) is async-signal-safe.
    #[allow(unsafe_code, reason = "the limit is for the child alone")]
    unsafe {
        command.pre_exec(|| Ok(setrlimit(Resource::RLIMIT_CORE, 0, 0)?));
    }
}

fn is_empty(bench: &Bench) -> bool {
    fs::read_dir(bench.folder.path()).unwrap().next().is_none()
}

#[test]
fn without_a_command_it_holds_the_notes_session() {
    let bench = Bench::new();
    let output = bench.program(&[]);
    assert_eq!((code(&output), errors(&output).as_str()), (Some(0), ""));
    let session = text(&output);
    let mut lines: Vec<_> = session.lines().collect();
    assert!(lines.remove(2).strip_prefix("[1] ").is_some_and(|id| id.parse::<u32>().is_ok()));
    assert_eq!(
        lines,
        [
            "$ mkfifo -m 644 myfifo",
            "$ tee dst.log < myfifo &",
            "$ cat src.log > myfifo",
            "12345",
            "[1]+  Done                    tee dst.log < myfifo",
            "$ cat dst.log",
            "12345",
            "$ stat -c '%F %a %s' myfifo",
            "fifo 644 0",
        ]
    );
    assert!(is_empty(&bench));
}

#[test]
fn a_demo_without_tee_fails_and_leaves_nothing() {
    let bench = Bench::new();
    let sh = ["/bin/sh", "/usr/bin/sh"].into_iter().find(|path| fs::exists(path).unwrap()).unwrap();
    let bin = Bench::new();
    std::os::unix::fs::symlink(sh, bin.path("sh")).unwrap();
    for tool in ["mktemp", "cat", "rm"] {
        let path = ["/bin", "/usr/bin"].map(|folder| format!("{folder}/{tool}"));
        let path = path.into_iter().find(|path| fs::exists(path).unwrap()).unwrap();
        std::os::unix::fs::symlink(path, bin.path(tool)).unwrap();
    }
    let has_one = Command::new(sh).args(["-c", "command -v tee"]).env("PATH", bin.folder.path()).output().unwrap();
    if has_one.status.success() {
        return harness::say(format_args!("skipped: {sh} has a tee of its own"));
    }
    let output = bench.command(PROGRAM, &[]).env("PATH", bin.folder.path()).output().unwrap();
    assert_eq!(code(&output), Some(1));
    assert!(errors(&output).contains("fifo-demo: "), "{}", errors(&output));
    assert!(is_empty(&bench));
}

#[test]
fn open_waits_for_the_other_side_unless_told_not_to() {
    let bench = Bench::new();
    let records = records(&bench.program(&["open-modes", "--json"]));
    let row = |flags, other_side, key: &str, value: Value| json!({ "flags": flags, "other_side": other_side, "open": "returns", key: value });
    assert_eq!(
        records[..4],
        [
            json!({ "flags": "O_RDONLY", "other_side": "none", "open": "waits", "returns_when": "a writer opens" }),
            json!({ "flags": "O_WRONLY", "other_side": "none", "open": "waits", "returns_when": "a reader opens" }),
            row("O_RDONLY|O_NONBLOCK", "none", "read", json!(0)),
            json!({ "flags": "O_WRONLY|O_NONBLOCK", "other_side": "none", "open_error": "ENXIO" }),
        ]
    );
    assert_eq!((&records[4]["other_side"], &records[4]["open"]), (&json!("reader"), &json!("returns")));
    assert_eq!(
        records[5..],
        [
            row("O_RDWR", "none", "reads_back", json!("12345")),
            row("O_RDONLY", "writer", "write_error", json!("EBADF")),
            row("O_WRONLY", "reader", "read_error", json!("EBADF")),
        ]
    );
    assert!(is_empty(&bench));
}

#[test]
fn the_end_comes_with_the_last_writer_and_each_cure_ends_the_storm() {
    let bench = Bench::new();
    let records = records(&bench.program(&["eof", "--json"]));
    let read = |record: &Value| record.get("read").or(record.get("read_error")).unwrap().clone();
    let reads: Vec<_> = records[..5].iter().map(read).collect();
    assert_eq!(reads, [json!(0), json!("EAGAIN"), json!("EAGAIN"), json!(5), json!(0)]);
    let cures = &records[5..];
    let after: Vec<_> = cures.iter().map(|cure| cure["wakeups_after"].as_u64().unwrap()).collect();
    assert_eq!(after, [0, 0, 1]);
    assert!(cures.iter().all(|cure| cure["wakeups_before"].as_u64().unwrap() > 1), "{cures:?}");
    assert!(cures.iter().all(|cure| cure["read"] == 5), "{cures:?}");
    assert!(is_empty(&bench));
}

#[test]
fn records_are_whole_up_to_pipe_buf_and_torn_above_it_unless_all_keep_the_lock() {
    let bench = Bench::new();
    let mut records = records(&bench.program(&["mux", "--json"]));
    assert_eq!(records.pop(), Some(json!({ "readers": 2, "sent_text": "123456", "received_texts": ["123", "456"] })));
    let mixed = records.split_off(3);
    let rows: Vec<_> = records.iter().map(|row| (row["size"].as_u64(), row["lock"].as_str())).collect();
    let torn = least_torn_write().unwrap().get() as u64;
    assert_eq!(rows, [(Some(4096), Some("none")), (Some(torn), Some("none")), (Some(torn), Some("exclusive"))]);
    let torn: Vec<_> = records.iter().map(|row| row["torn"].as_u64().unwrap()).collect();
    assert!(torn[0] == 0 && torn[1] > 0 && torn[2] == 0, "{torn:?}");
    let locks: Vec<_> = mixed.iter().map(|row| &row["locks"]).collect();
    assert_eq!(locks, [&json!(["none", "exclusive"]), &json!(["shared", "exclusive"])]);
    assert!(mixed[0]["torn"].as_u64() > Some(0) && mixed[1]["torn"] == 0, "{mixed:?}");
    assert!(records.iter().chain(&mixed).all(|row| row["messages"] == 1600));
    assert!(is_empty(&bench));
}

#[test]
fn a_signal_in_the_middle_leaves_neither_folder_nor_writers() -> Result {
    let bench = Bench::new();
    let mux = bench.start(&["mux", "--size", "1", "--messages", "4000000000"]);
    while is_empty(&bench) {
        thread::yield_now();
    }
    signal(&mux, Signal::SIGTERM);
    let mux = mux.wait_with_output()?;
    assert_eq!(mux.status.signal(), Some(Signal::SIGTERM as i32));
    assert_eq!((text(&mux).as_str(), errors(&mux).as_str()), ("", ""));
    assert!(is_empty(&bench));
    let folder = bench.folder.path().to_str().unwrap().to_owned();
    let names_the_folder = |process: &fs::DirEntry| {
        fs::read(process.path().join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&folder))
    };
    assert_eq!(fs::read_dir("/proc")?.flatten().filter(names_the_folder).count(), 0);
    Ok(())
}

/// Whoever is to end the program by the signal, having killed the writers, does so late: they are missed already.
#[test]
fn a_signal_in_the_middle_is_the_end_though_the_writers_end_first() -> Result {
    let bench = Bench::new();
    let Some(strace) = harness::find_tool("strace") else { return Ok(()) };
    // Daemonized, strace is not between us and the program; of stderr it has one for itself. raise(3) is either call.
    let late = ["--daemonize", "--follow-forks", "--output=/dev/null", "--inject=tgkill,tkill:delay_enter=500000"];
    let mut traced = bench.command(strace.to_str().unwrap(), &late);
    traced.args(["sh", "-c", "exec \"$0\" mux --size 1 --messages 4000000000 2>&1", PROGRAM]);
    let mut mux = traced.spawn()?;
    // Signals are caught by the time that the FIFO is in its folder.
    while !fs::read_dir(bench.folder.path())?.flatten().any(|folder| folder.path().join("fifo").exists()) {
        if mux.try_wait()?.is_some() {
            harness::say(format_args!("skipped: {}", errors(&mux.wait_with_output()?)));
            return Ok(());
        }
        thread::yield_now();
    }
    signal(&mux, Signal::SIGTERM);
    let mux = mux.wait_with_output()?;
    assert_eq!((mux.status.signal(), text(&mux).as_str()), (Some(Signal::SIGTERM as i32), ""));
    Ok(())
}

/// Writers may sleep in open(2) then. Whatever is left has our stderr: its end is the end of all.
#[test]
fn a_kill_in_the_middle_leaves_neither_folder_nor_writers() -> Result {
    for deadly in [Signal::SIGKILL, Signal::SIGQUIT] {
        let bench = Bench::new();
        let mut command =
            bench.command(PROGRAM, &["mux", "--size", "1", "--messages", "4000000000", "--writers", "32"]);
        without_core(&mut command);
        let mux = command.spawn()?;
        while is_empty(&bench) {
            thread::yield_now();
        }
        signal(&mux, deadly);
        assert_eq!(mux.wait_with_output()?.status.signal(), Some(deadly as i32));
        assert!(is_empty(&bench), "{deadly}");
    }
    Ok(())
}

#[test]
fn a_temporary_folder_whose_name_is_not_utf_8_is_used_as_it_is() -> Result {
    let bench = Bench::new();
    let odd = bench.folder.path().join(OsStr::from_bytes(b"odd \xff"));
    fs::create_dir(&odd)?;
    for command in
        [&["demo"][..], &["open-modes"], &["mux", "--messages", "10"], &["bench", "--quick", "--pin", "same"]]
    {
        let mut command = bench.command(PROGRAM, command);
        // Not in the folder that it is to use, it would fail.
        let output = command.env("TMPDIR", &odd).output()?;
        assert_eq!((code(&output), errors(&output).as_str()), (Some(0), ""));
    }
    assert!(fs::read_dir(&odd)?.next().is_none());
    assert_eq!(fs::read_dir(bench.folder.path())?.count(), 1);
    Ok(())
}

#[test]
fn a_full_stdout_is_an_error_and_a_closed_one_is_not() -> Result {
    for command in ["demo", "open-modes", "eof", "mux"] {
        let bench = Bench::new();
        let full = bench.command(PROGRAM, &[command]).stdout(File::create("/dev/full")?).spawn()?.wait_with_output()?;
        assert_eq!(code(&full), Some(1), "{command}");
        assert_eq!(errors(&full), "fifo-demo: write stdout: No space left on device (os error 28)\n", "{command}");
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let gone = bench.command(PROGRAM, &[command]).stdout(writer).spawn()?.wait_with_output()?;
        assert_eq!((code(&gone), errors(&gone).as_str()), (Some(0), ""), "{command}");
        assert!(is_empty(&bench), "{command}");
    }
    Ok(())
}
