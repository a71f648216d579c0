//! `pipeline`: all bytes arrive, everybody learns of the end, and nobody is left.
#![cfg(not(loom))]

mod support;

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use support::{Result, code, end_of, output, pipe_demo, run, spawn, stderr, stdout, wait_for};

const LINKS: [&str; 2] = ["pump", "direct"];

fn pipeline(link: &str, commands: &[&str]) -> Result<std::process::Output> {
    run(&[&["pipeline", "--link", link], commands].concat())
}

#[test]
fn all_bytes_go_from_our_stdin_through_all_stages_to_our_stdout() -> Result {
    let bytes: Vec<u8> = (0..3_000_001_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for link in LINKS {
        let mut file: File = tempfile::tempfile()?;
        file.write_all(&bytes)?;
        file.rewind()?;
        let stages = ["pipeline", "--link", link, "cat", "cat", "dd bs=999 status=none", "cat"];
        let output = output(pipe_demo(&stages).stdin(file))?;
        assert_eq!(code(output.status), 0, "{}", stderr(&output));
        assert!(output.stdout == bytes, "{link}: {} bytes", output.stdout.len());
    }
    Ok(())
}

#[test]
fn a_stage_that_ends_early_ends_its_writers() -> Result {
    for link in LINKS {
        let output = pipeline(link, &["yes", "cat", "head -n 1"])?;
        assert_eq!((stdout(&output).as_str(), code(output.status)), ("y\n", 141), "{link}");
        assert_eq!(stderr(&output), "");
    }
    Ok(())
}

/// The pump closes the pipe of a writer as soon as its reader has gone, not when it has bytes to pass on.
#[test]
fn a_writer_meets_sigpipe_at_its_first_write_after_the_reader_has_gone() -> Result {
    let first = "sh -c 'readlink /proc/self/fd/3 3>&1 >&2; read line; echo $line'";
    let mut child = spawn(pipe_demo(&["pipeline", first, "true"]).stdin(Stdio::piped()))?;
    let mut pipe = String::new();
    BufReader::new(child.stderr.take().ok_or("no stderr")?).read_line(&mut pipe)?;
    let descriptors = format!("/proc/{}/fd", child.id());
    let is_open = || -> Result<bool> {
        let mut targets =
            std::fs::read_dir(&descriptors)?.flatten().filter_map(|fd| std::fs::read_link(fd.path()).ok());
        Ok(targets.any(|target| target.as_os_str() == pipe.trim_end()))
    };
    let start = Instant::now();
    while is_open()? {
        assert!(start.elapsed() < Duration::from_secs(30), "the pipe stays open");
        std::thread::yield_now();
    }
    child.stdin.take().ok_or("no stdin")?.write_all(b"abc\n")?;
    assert_eq!(code(end_of(child)?.status), 141);
    Ok(())
}

#[test]
fn the_exit_code_is_that_of_the_last_stage_that_failed() -> Result {
    for link in LINKS {
        for (stages, expected) in [
            (["sh -c 'exit 3'", "cat"], 3),
            (["sh -c 'exit 3'", "sh -c 'cat; exit 4'"], 4),
            (["sh -c 'kill -TERM $$'", "cat"], 143),
            (["true", "true"], 0),
        ] {
            assert_eq!(code(pipeline(link, &stages)?.status), expected, "{link} {stages:?}");
        }
    }
    Ok(())
}

#[test]
fn the_shells_own_default_can_be_chosen() -> Result {
    for (last, expected) in [("cat", 0), ("sh -c 'exit 4'", 4), ("sh -c 'kill -TERM $$'", 143)] {
        assert_eq!(code(run(&["pipeline", "--status", "last", "sh -c 'exit 3'", last])?.status), expected);
    }
    Ok(())
}

#[test]
fn each_stage_tells_how_it_ended() -> Result {
    let stages = ["sh -c 'exit 3'", "sh -c 'kill -TERM $$'", "printf 中文"];
    let output = run(&[&["pipeline", "--json"], stages.as_slice()].concat())?;
    assert_eq!((code(output.status), stdout(&output).as_str()), (143, "中文"));
    let records: Vec<Value> =
        stderr(&output).lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?;
    let pid = |stage: usize| records[stage]["pid"].as_u64().filter(|&pid| pid > 1);
    let expected = [
        json!({ "stage": 1, "command": stages[0], "pid": pid(0), "exit_code": 3 }),
        json!({ "stage": 2, "command": stages[1], "pid": pid(1), "signal": "SIGTERM" }),
        json!({ "stage": 3, "command": stages[2], "pid": pid(2), "exit_code": 0 }),
    ];
    assert_eq!(records, expected);
    let alone: Value = serde_json::from_str(&stderr(&run(&["--json", "run", "false"])?))?;
    assert_eq!((&alone["stage"], &alone["command"], &alone["exit_code"]), (&json!(1), &json!("false"), &json!(1)));
    Ok(())
}

#[test]
fn one_stage_is_a_pipeline_too() -> Result {
    for link in LINKS {
        assert_eq!(stdout(&pipeline(link, &["echo '$HOME  *'"])?), "$HOME  *\n");
    }
    Ok(())
}

#[test]
fn a_stage_that_cannot_start_ends_those_that_have() -> Result {
    for link in LINKS {
        let stages = ["pipeline", "--link", link, "sleep 1000", "sleep 1000", "no-such-command", "cat"];
        // A folder of PATH that may not be read would be another error.
        let output = output(pipe_demo(&stages).env("PATH", "/usr/bin:/bin"))?;
        let expected = "pipe-demo: start no-such-command: No such file or directory (os error 2)\n";
        assert_eq!((code(output.status), stderr(&output).as_str()), (127, expected));
        let output = pipeline(link, &["sleep 1000", "/etc/passwd"])?;
        let expected = "pipe-demo: start /etc/passwd: Permission denied (os error 13)\n";
        assert_eq!((code(output.status), stderr(&output).as_str()), (126, expected));
    }
    Ok(())
}

#[test]
fn commands_that_no_shell_could_read_are_wrong_usage() -> Result {
    for nonsense in ["", "  ", "echo 'abc"] {
        assert_eq!(code(run(&["pipeline", "cat", nonsense])?.status), 2);
    }
    assert_eq!(code(run(&["pipeline"])?.status), 2);
    Ok(())
}

#[test]
fn no_stage_inherits_a_descriptor_of_another() -> Result {
    let alone = stdout(&run(&["pipeline", "--link", "direct", "ls /proc/self/fd"])?);
    for link in LINKS {
        let output = pipeline(link, &["true", "true", "ls /proc/self/fd"])?;
        assert_eq!(stdout(&output), alone, "{link}");
    }
    Ok(())
}

#[test]
fn a_stage_dies_of_sigpipe_although_this_program_ignores_it() -> Result {
    let output = pipeline("pump", &["sh -c 'kill -PIPE $$; echo survived'", "cat"])?;
    assert_eq!((code(output.status), stdout(&output).as_str()), (141, ""));
    Ok(())
}

#[test]
fn memory_is_bounded_however_much_flows() -> Result {
    let most = |count: &str| -> Result<u64> {
        let first = format!("head -c {count} /dev/zero");
        let output = pipeline("pump", &[&first, "cat", "sh -c 'cat >/dev/null; grep VmHWM /proc/$PPID/status'"])?;
        Ok(stdout(&output).split_whitespace().nth(1).ok_or("no VmHWM")?.parse()?)
    };
    let (little, much) = (most("1")?, most("256M")?);
    assert!(much < little + 2048, "{little} KiB for a byte, {much} KiB for 256 MiB");
    Ok(())
}

#[test]
fn a_link_that_never_rests_does_not_starve_another() -> Result {
    let stages = ["yes", "sh -c 'echo first; exec cat >/dev/null'", "cat"];
    let mut child = spawn(&mut pipe_demo(&[&["pipeline"], stages.as_slice()].concat()))?;
    wait_for(&mut child, "first\n")?;
    kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGINT)?;
    assert_eq!(end_of(child)?.status.signal(), Some(Signal::SIGINT as i32));
    Ok(())
}

#[test]
fn ctrl_c_ends_all_stages() -> Result {
    for link in LINKS {
        for whole_group in [false, true] {
            for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
                let stages = ["sh -c 'echo ready; exec sleep 1000'", "cat", "cat"];
                let mut command = pipe_demo(&[&["pipeline", "--link", link], stages.as_slice()].concat());
                let mut child = spawn(command.process_group(0))?;
                wait_for(&mut child, "ready\n")?;
                let pid = Pid::from_raw(i32::try_from(child.id())?);
                if whole_group {
                    killpg(pid, signal)?;
                } else {
                    kill(pid, signal)?;
                }
                let status = end_of(child)?.status;
                assert_eq!(status.signal(), Some(signal as i32), "{link} {status}");
            }
        }
    }
    Ok(())
}

#[test]
fn the_timeout_ends_stages_that_ignore_sigterm_too() -> Result {
    for link in LINKS {
        let stubborn = r#"sh -c 'trap "" TERM; exec sleep 1000'"#;
        let output = run(&["pipeline", "--link", link, "--timeout", "200ms", "sleep 1000", stubborn, "cat"])?;
        assert_eq!((code(output.status), stderr(&output).as_str()), (124, "pipe-demo: not done after 200ms\n"));
    }
    Ok(())
}

#[test]
fn a_full_disk_is_the_last_stages_affair() -> Result {
    let full = File::options().write(true).open("/dev/full")?;
    let output = output(pipe_demo(&["pipeline", "echo abc", "cat"]).stdout(full))?;
    assert_eq!(code(output.status), 1);
    assert!(stderr(&output).contains("No space left on device"));
    Ok(())
}
