//! What sync-demo shows, it shows every time.

mod support;

use std::fs::{self, File};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Output, Stdio};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use support::{Result, code, end_of, harness, output, spawn, stderr, stdout, sync_demo};

fn run(args: &[&str]) -> Result<Output> {
    output(&mut sync_demo(args))
}

/// The records that the program prints as JSON lines; none where the machine cannot show them all.
fn records(args: &[&str]) -> Result<Option<Vec<Value>>> {
    let output = run(&[&["--json"], args].concat())?;
    if code(output.status) == 77 {
        harness::say(format_args!("skipped: {args:?}: {}", stderr(&output)));
        return Ok(None);
    }
    assert_eq!((code(output.status), stderr(&output).as_str()), (0, ""));
    Ok(Some(stdout(&output).lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?))
}

#[test]
fn the_story_loses_updates_and_then_none() -> Result {
    let output = run(&[])?;
    assert_eq!((code(output.status), stderr(&output).as_str()), (0, ""));
    let text = stdout(&output);
    let told: Vec<&str> = text.lines().collect();
    assert_eq!(told.len(), 8, "{text}");
    for (line, how) in [(0, "a read and a write"), (2, "an atomic operation"), (4, "a mutex"), (6, "a token")] {
        assert!(told[line].contains(how), "{text}");
    }
    assert!(told[1].ends_with(" are lost.") || told[1] == told[3], "{text}");
    for line in [3, 5, 7] {
        assert_eq!(told[line], "The number is 2000: no update is lost.");
    }
    Ok(())
}

#[test]
fn only_unprotected_updates_are_lost() -> Result {
    for record in records(&["race"])?.unwrap_or_default() {
        let (counted, lost) =
            (record["counted"].as_u64().ok_or("no count")?, record["lost"].as_u64().ok_or("no loss")?);
        assert_eq!(counted + lost, 20_000);
        assert_eq!(lost > 0, record["how"] == "plain", "{record}");
        let most_inside = record["most_inside"].as_u64();
        assert_eq!(most_inside > Some(1), record["how"] == "plain", "{record}");
        assert_eq!(most_inside.is_none(), record["how"] == "atomic", "{record}");
    }
    let few = run(&["race", "--how", "token", "--processes", "3", "--updates", "10"])?;
    assert_eq!(stdout(&few), "how=token processes=3 updates=30 counted=30 lost=0 most_inside=1\n");
    Ok(())
}

/// The last racer: the program would hear of the others' ends before.
#[test]
fn a_racer_that_is_killed_with_the_lock_does_not_hold_up_the_others() -> Result {
    for how in ["mutex", "token"] {
        let race = ["race", "--how", how, "--processes", "3", "--updates", "1000000000000", "--timeout", "20s"];
        let child = spawn(&mut sync_demo(&race))?;
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let racer = loop {
            let pids = fs::read_to_string(&children)?;
            let pids: Vec<i32> = pids.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
            if let [_, _, last] = pids[..] {
                break Pid::from_raw(last);
            }
            std::thread::yield_now();
        };
        kill(racer, Signal::SIGKILL)?;
        let output = end_of(child)?;
        assert_eq!(code(output.status), 1, "{how}: {}", stderr(&output));
        assert!(stderr(&output).contains("SIGKILL"), "{how}: {}", stderr(&output));
    }
    Ok(())
}

#[test]
fn ctrl_c_ends_forked_children_too() -> Result {
    let child = spawn(&mut sync_demo(&["race", "--how", "plain", "--updates", "1000000000000"]))?;
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    // The program is ready for the signal when it has the threads of the story and of ctrlc.
    let tasks = format!("/proc/{pid}/task");
    while fs::read_dir(&tasks)?.count() < 3 {
        std::thread::yield_now();
    }
    kill(pid, Signal::SIGINT)?;
    assert_eq!(end_of(child)?.status.signal(), Some(Signal::SIGINT as i32));
    Ok(())
}

#[test]
fn a_signal_interrupts_system_calls_and_updates_are_lost_without_interruption() -> Result {
    let Some(records) = records(&["interrupted"])? else { return Ok(()) };
    let [read, write, lost] = &records[..] else { return Err(format!("{records:?}").into()) };
    assert_eq!((&read["call"], &read["returned_error"], read.get("returned")), (&"read".into(), &"EINTR".into(), None));
    assert!(read["signals"].as_u64() > Some(0), "{read}");
    assert_eq!((&write["call"], write.get("returned_error")), (&"write".into(), None));
    assert!(write["returned"].as_u64() > Some(0) && write["returned"].as_u64() < write["asked"].as_u64(), "{write}");
    assert_eq!(lost["switches"], 0);
    assert!(lost["lost"].as_u64() > Some(0), "{lost}");
    Ok(())
}

#[test]
fn a_holder_that_loses_the_cpu_keeps_the_others_out_and_plain_writes_do_not() -> Result {
    let Some(records) = records(&["exclusion"])? else { return Ok(()) };
    let outside = r#""other_waits":true,"other_got_in":false,"other_got_in_later":true}"#;
    assert!(records[0].to_string().ends_with(outside), "{}", records[0]);
    assert!(records[0]["switches_inside"].as_u64() > Some(0), "{}", records[0]);
    let how: Vec<_> = records[1..].iter().map(|record| record["how"].as_str().unwrap_or_default()).collect();
    assert_eq!(how, ["plain-reads-and-writes", "fence", "mutex", "token"]);
    for record in &records[1..] {
        assert_eq!(record["both_inside"].as_u64() > Some(0), record["how"] == "plain-reads-and-writes", "{record}");
    }
    Ok(())
}

#[test]
fn one_instruction_is_atomic_on_one_cpu_and_two_words_are_not() -> Result {
    let Some(records) = records(&["atomic"])? else { return Ok(()) };
    let [three, one, one_on_two, locked, loops, cost, plain, mutex] = &records[..] else {
        return Err(format!("{records:?}").into());
    };
    for (counted, add, cpus, is_lost) in [
        (three, "read-add-write", 1, true),
        (one, "inc", 1, false),
        (one_on_two, "inc", 2, true),
        (locked, "fetch-add", 2, false),
    ] {
        assert_eq!((&counted["add"], &counted["cpus"]), (&add.into(), &cpus.into()));
        assert_eq!(counted["lost"].as_u64() > Some(0), is_lost, "{counted}");
        assert_eq!(counted["switches"].as_u64() > Some(0), cpus == 1, "{counted}");
    }
    assert!(loops["as_alone"] == true && loops["retries"].as_u64() > Some(0), "{loops}");
    assert!(cost["atomic_us"].as_u64() < cost["mutex_us"].as_u64(), "{cost}");
    assert_eq!((&plain["wrong_sums"], &mutex["wrong_sums"]), (&1.into(), &0.into()));
    Ok(())
}

#[test]
fn what_needs_two_cpus_is_skipped_on_one_and_the_rest_is_shown() -> Result {
    let this = Pid::from_raw(0);
    let before = sched_getaffinity(this)?;
    let first = (0..CpuSet::count()).find(|&cpu| before.is_set(cpu) == Ok(true)).ok_or("no CPU")?;
    let mut one = CpuSet::new();
    one.set(first)?;
    sched_setaffinity(this, &one)?; // Of this test's thread, and so of what it starts.
    for (command, lines, missing) in [("interrupted", 2, 1), ("exclusion", 1, 4), ("atomic", 6, 2)] {
        let output = run(&[command])?;
        let said = stderr(&output);
        assert_eq!((code(output.status), said.lines().count()), (0, missing), "{command}: {said}");
        let why = ": cannot be shown here: there is only one CPU";
        assert!(said.lines().all(|line| line.ends_with(why)), "{command}: {said}");
        assert_eq!(stdout(&output).lines().count(), lines, "{command}: {}", stdout(&output));
    }
    assert_eq!(code(run(&["demo"])?.status), 0);
    Ok(())
}

const COMMANDS: [&[&str]; 5] = [&["demo"], &["race"], &["interrupted"], &["exclusion"], &["atomic"]];

#[test]
fn a_reader_that_has_gone_is_no_error_and_a_full_disk_is_one() -> Result {
    for args in COMMANDS {
        let (reader, writer) = io::pipe()?;
        drop(reader);
        let gone = output(sync_demo(args).stdout(Stdio::from(writer)))?;
        assert_eq!((code(gone.status), stderr(&gone).as_str()), (0, ""), "{args:?}");
        let full = output(sync_demo(args).stdout(File::options().write(true).open("/dev/full")?))?;
        let expected = "sync-demo: write stdout: No space left on device (os error 28)\n";
        assert_eq!((code(full.status), stderr(&full).as_str()), (1, expected), "{args:?}");
    }
    Ok(())
}

#[test]
fn every_command_explains_itself_and_refuses_nonsense() -> Result {
    for args in COMMANDS {
        assert_eq!(code(run(&[args, &["--help"]].concat())?.status), 0);
        assert_eq!(code(run(&[args, &["--nonsense"]].concat())?.status), 2);
    }
    Ok(())
}
