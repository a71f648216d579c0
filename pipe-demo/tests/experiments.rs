//! The experiments see what the kernel does, every time.
#![cfg(not(loom))]

mod support;

use std::fs::File;
use std::process::Stdio;

use serde_json::{Value, json};
use shared::linux::memory::page_size;
use support::{Result, code, harness, output, pipe_demo, run, stderr, stdout};

/// The records that the program prints as JSON lines.
fn records(args: &[&str]) -> Result<Vec<Value>> {
    let output = run(&[&["--json"], args].concat())?;
    assert_eq!((code(output.status), stderr(&output).as_str()), (0, ""));
    Ok(stdout(&output).lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?)
}

/// What a pipe holds, on a machine with pages of this size.
fn capacity() -> Result<u64> {
    records(&["capacity"])?[0]["capacity"].as_u64().ok_or_else(|| "no capacity".into())
}

#[test]
fn a_pipe_hangs_from_the_first_byte_on_that_it_cannot_hold() -> Result {
    let capacity = capacity()?;
    let (one_more, many) = (capacity + 1, (4 * capacity).to_string());
    let output = run(&["deadlock"])?;
    assert_eq!(stdout(&output), format!("bytes={one_more} order=write-first written={capacity} outcome=hangs\n"));
    let error = "pipe-demo: write the second command's stdin: it waits for ever\n";
    assert_eq!((code(output.status), stderr(&output).as_str()), (124, error));
    let output = run(&["deadlock", "--bytes", &many])?;
    assert_eq!((code(output.status), stdout(&output).ends_with(" outcome=hangs\n")), (124, true));
    let all = capacity.to_string();
    for cured in [&["deadlock", "--bytes", &all][..], &["deadlock", "--start-first", "--bytes", &many]] {
        let output = run(cured)?;
        assert_eq!(code(output.status), 0, "{}", stderr(&output));
        assert!(stdout(&output).ends_with(" outcome=done\n"));
    }
    Ok(())
}

#[test]
fn a_kernel_pipe_refuses_the_wrong_end_and_tells_of_the_other() -> Result {
    let records = records(&["os-pipe"])?;
    let (stranger, steps) = records.split_last().ok_or("no record")?;
    let (echoed, steps) = steps.split_last().ok_or("one record")?;
    let returned = |key| steps.iter().skip(1).filter_map(|step| step.get(key).cloned()).collect::<Vec<_>>();
    assert_eq!(returned("returned"), [11, 5, 6, 4, 0]);
    let errors = ["EBADF", "EBADF", "ESPIPE", "ESPIPE", "EINVAL", "EAGAIN", "EAGAIN", "EPIPE"];
    assert_eq!(returned("returned_error"), errors);
    assert_eq!(echoed["event"], "killed by SIGPIPE");
    assert_eq!(stranger["inherited"], 0);
    assert!(stranger["writer_ppid"] != stranger["reader_pid"] && stranger["writer_ppid"] != stranger["reader_ppid"]);
    Ok(())
}

#[test]
fn a_process_reaches_its_child_by_each_kind_of_ipc() -> Result {
    let records = records(&["ipc"])?;
    let (kinds, rest) = records.split_at(9);
    assert!(kinds.iter().all(|kind| kind["works"] == true || kind["not_seen_here"].is_string()), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| kind["in_the_note"] == true).count(), 5);
    let [messages, costs] = rest else { return Err("no two more records".into()) };
    assert_eq!((&messages["from_pipe"], &messages["from_queue"]), (&8.into(), &json!([3, 5])));
    assert!(costs["shared_memory_cpu_us"].as_u64() < costs["pipe_cpu_us"].as_u64(), "{costs}");
    Ok(())
}

#[test]
fn a_command_gets_words_and_its_output_comes_in_pieces_and_may_outlive_it() -> Result {
    let records = records(&["cmd"])?;
    assert_eq!(records[0]["left_writes_pipe"], records[0]["right_reads_pipe"]);
    assert_eq!((&records[2]["printed"], &records[2]["printed_by_the_shell"]), (&"$((6*7))".into(), &"42".into()));
    assert_eq!((&records[3]["read_error"], &records[3]["same"]), (&"EBADF".into(), &records[3]["tries"]));
    assert_eq!([&records[4]["reads"], &records[5]["reads"]], [&json!([5]), &json!([4, 4])]);
    assert_eq!([&records[6]["taken"], &records[7]["taken"]], [4096, 8192]);
    assert_eq!((&records[8]["output_is_over"], &records[8]["bytes_that_came_later"]), (&false.into(), &5.into()));
    assert_eq!(records[9]["cat_sleeps"], true);
    assert_eq!([&records[10]["waited_for"], &records[10]["waited_again"]], ["exited with 0"; 2]);
    assert_eq!(records[10]["output_afterwards"], "command from Rust");
    Ok(())
}

#[test]
fn a_pipe_in_memory_keeps_its_promises() -> Result {
    for (args, closed) in [(&["io-pipe"][..], None), (&["io-pipe", "--close-with-error", "no more"], Some("no more"))] {
        let records = records(args)?;
        let (end, broken) = (closed.unwrap_or("EOF"), closed.unwrap_or("io: read/write on closed pipe"));
        let expected = [
            json!({ "first_got": "abcd", "write_waits": true, "second_got": "ef", "write_taken": 6 }),
            json!({ "first_got": "a", "second_got": "b" }),
            json!({ "got": "", "write_taken": 0 }),
            json!({ "both_wait": true, "write_taken": 10, "first_got": "abcde", "second_got": "fghij" }),
            json!({ "write_waits": true, "write_taken": 0, "write_error": "io: read/write on closed pipe" }),
            json!({ "got_error": end }),
            json!({ "write_taken": 4, "write_error": broken }),
            json!({ "got_error": "io: read/write on closed pipe" }),
        ];
        for (record, expected) in records.iter().zip(&expected) {
            let mut seen = record.clone();
            seen.as_object_mut().ok_or("no object")?.remove("step");
            assert_eq!(&seen, expected, "{record}");
        }
        let [ends, memory, kernel] = &records[expected.len()..] else { return Err("no three more records".into()) };
        assert_eq!((&ends["reader"], &ends["writer"]), (&"read".into(), &"write".into()));
        assert_eq!((&memory["descriptors"], &kernel["descriptors"]), (&0.into(), &2.into()));
        assert!(memory["faults_of_writer"].as_u64() < Some(64) && kernel["faults_of_writer"].as_u64() >= Some(256));
    }
    Ok(())
}

#[test]
fn a_full_pipe_is_writable_again_when_a_page_is_free() -> Result {
    let records = records(&["capacity"])?;
    let capacity = records[0]["capacity"].as_u64();
    assert_eq!(capacity, Some(16 * page_size()?.get() as u64));
    let filled: Vec<_> = records[1..6].iter().map(|record| record["bytes_until_eagain"].as_u64()).collect();
    // A write of a page and a byte may take two pages and use one byte of the second.
    assert_eq!(filled[..3], [capacity; 3]);
    assert!(filled[3] < capacity && filled[4] < capacity);
    let writable: Vec<_> = records[6..9].iter().map(|record| record["writable"].clone()).collect();
    assert_eq!(writable, [false, false, true]);
    assert_eq!((&records[9]["writer_sleeps"], &records[9]["writer_is_done"]), (&true.into(), &true.into()));
    assert_eq!((&records[10]["written_alone"], &records[10]["read_alone"]), (&capacity.into(), &capacity.into()));
    Ok(())
}

#[test]
fn a_pipes_size_is_rounded_up() -> Result {
    assert_eq!(records(&["capacity", "--set", "100000"])?[0]["capacity"], 131_072);
    let output = run(&["capacity", "--set", "2147483647"])?;
    assert_eq!(code(output.status), 1);
    assert!(stderr(&output).starts_with("pipe-demo: F_SETPIPE_SZ 2147483647: "), "{}", stderr(&output));
    assert_eq!(code(run(&["capacity", "--set", "-1"])?.status), 2);
    Ok(())
}

#[test]
fn only_writes_over_pipe_buf_tear_and_only_without_a_lock_around_them() -> Result {
    let torn: Vec<_> = records(&["atomicity"])?.iter().map(|record| record["torn"].as_u64()).collect();
    assert_eq!((torn[0], &torn[2..]), (Some(0), &[Some(0); 4][..]));
    assert!(torn[1] > Some(0));
    let record =
        &records(&["atomicity", "--via", "os-pipe", "--writers", "2", "--size", "100000", "--messages", "50"])?[0];
    assert!(record["torn"].as_u64() > Some(0));
    assert_eq!(record["messages"], 100);
    Ok(())
}

const GREETING: &str = "My first command comes from Rust.";

#[test]
fn the_stories_are_told_in_the_notes_order() -> Result {
    if harness::find_tool("ps").is_none() {
        return Ok(());
    }
    let output = run(&[])?;
    assert_eq!((code(output.status), stderr(&output).as_str()), (0, ""));
    let text = stdout(&output);
    let echo = |how| format!("Run command `echo -n \"{GREETING}\"`{how}: \n{GREETING}\n\n");
    let rest = text.strip_prefix(&(echo("") + &echo(", read by line"))).ok_or(text.clone())?;
    let rest = rest.strip_prefix("Run command `ps aux | grep pipe-demo`: \n").ok_or(text.clone())?;
    let pipes = "\nWritten 26 byte(s). [file-based pipe]\nRead 26 byte(s). [file-based pipe]\n\
                 Written 26 byte(s). [in-memory pipe]\nRead 26 byte(s). [in-memory pipe]\n";
    let lines = rest.strip_suffix(pipes).ok_or(text.clone())?;
    assert!(!lines.is_empty() && lines.lines().all(|line| line.contains("pipe-demo")), "{lines}");
    Ok(())
}

const COMMANDS: [&[&str]; 7] =
    [&["demo"], &["ipc"], &["cmd"], &["os-pipe"], &["io-pipe"], &["capacity"], &["atomicity"]];

#[test]
fn a_reader_that_has_gone_is_no_error_and_a_full_disk_is_one() -> Result {
    for args in COMMANDS {
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let gone = output(pipe_demo(args).stdout(Stdio::from(writer)))?;
        assert_eq!((code(gone.status), stderr(&gone).as_str()), (0, ""), "{args:?}");
        let full = output(pipe_demo(args).stdout(File::options().write(true).open("/dev/full")?))?;
        let expected = "pipe-demo: write stdout: No space left on device (os error 28)\n";
        assert_eq!((code(full.status), stderr(&full).as_str()), (1, expected), "{args:?}");
    }
    Ok(())
}

#[test]
fn every_command_explains_itself_and_refuses_nonsense() -> Result {
    for args in COMMANDS.iter().copied().chain([&["run"][..], &["pipeline"], &["deadlock"]]) {
        assert_eq!(code(run(&[args, &["--help"]].concat())?.status), 0);
        assert_eq!(code(run(&[args, &["--nonsense"]].concat())?.status), 2);
    }
    Ok(())
}
