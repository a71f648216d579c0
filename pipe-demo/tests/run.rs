//! `run`: every byte of a command's output, and its exit code.
#![cfg(not(loom))]

#[path = "../../shared/tests/clogged/mod.rs"]
mod clogged;
mod support;

use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Stdio;

use clogged::Clogged;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::unistd::Pid;
use support::{Result, code, end_of, output, pipe_demo, run, spawn, stderr, stdout, wait_for};

#[test]
fn the_output_is_the_same_however_it_is_read() -> Result {
    for how in [&["--buffer", "5"][..], &["--lines"], &["--lines", "--buffer", "3"], &[]] {
        let args = [&["run"], how, &["--", "printf", r"one\ntwo\0\377\n\nend"]].concat();
        assert_eq!(run(&args)?.stdout, b"one\ntwo\0\xff\n\nend", "{how:?}");
    }
    Ok(())
}

#[test]
fn each_read_is_told_with_what_it_returned() -> Result {
    let output = run(&["run", "-v", "--buffer", "5", "--", "echo", "-n", "My first"])?;
    let expected = "read 5 bytes: \"My fi\"\nread 3 bytes: \"rst\"\necho -n 'My first': exit status: 0\n";
    assert_eq!(stderr(&output), expected);
    let output = run(&["run", "-v", "--lines", "--", "printf", r"a\nb"])?;
    assert_eq!(stderr(&output), "read 2 bytes: \"a\\n\"\nread 1 bytes: \"b\"\nprintf 'a\\nb': exit status: 0\n");
    Ok(())
}

#[test]
fn a_line_that_goes_on_says_so() -> Result {
    let output = run(&["run", "-v", "--lines", "--buffer", "4", "--", "printf", r"abcdef\nghi\n"])?;
    let told = stderr(&output);
    let reads: Vec<&str> = told.lines().take(3).collect();
    let (first, rest) = (r#"read 4 bytes of a line that goes on: "abcd""#, r#"read 3 bytes: "ef\n""#);
    assert_eq!(reads, [first, rest, r#"read 4 bytes: "ghi\n""#]);
    Ok(())
}

#[test]
fn behind_the_first_word_of_the_command_all_is_the_commands() -> Result {
    for args in [["echo", "hi", "-v", "--json", "--", "-n"], ["--", "echo", "-v", "--timeout", "--", "--help"]] {
        let printed = run(&[&["run", "--lines"], args.as_slice()].concat())?;
        let rest = args[1 + usize::from(args[0] == "--")..].join(" ");
        assert_eq!((stdout(&printed), stderr(&printed)), (format!("{rest}\n"), String::new()));
    }
    assert_eq!(code(run(&["run", "--no-such-option", "true"])?.status), 2);
    Ok(())
}

#[test]
fn payload_and_narration_share_no_line_of_a_terminal() -> Result {
    let both = |script: &str| -> Result<String> {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", script]).env("PROGRAM", env!("CARGO_BIN_EXE_pipe-demo")).stdout(Stdio::piped());
        Ok(stdout(&output(&mut shell)?))
    };
    let told = both(r#"exec "$PROGRAM" run --buffer 3 -v printf 'ab\ncd' 2>&1"#)?;
    let lines = ["read 3 bytes: \"ab\\n\"", "ab", "read 2 bytes: \"cd\"", "cd", r"printf 'ab\ncd': exit status: 0", ""];
    assert_eq!(told, lines.join("\n"));
    let failed = both(r#"exec "$PROGRAM" run --timeout 200ms sh -c 'printf cd; exec sleep 1000' 2>&1"#)?;
    assert_eq!(failed, "cd\npipe-demo: not done after 200ms\n");
    assert_eq!(both(r#"exec "$PROGRAM" run -v --buffer 1 printf cd 2>/dev/null"#)?, "cd");
    Ok(())
}

#[test]
fn a_stdout_or_stderr_that_does_not_block_loses_nothing() -> Result {
    let (out, narration) = (Clogged::new()?, Clogged::new()?);
    let mut run = spawn(pipe_demo(&["run", "--", "seq", "50000"]).stdout(out.end()?))?;
    let expected = (1..=50_000).map(|number| format!("{number}\n")).collect::<Vec<_>>().concat();
    assert!(out.read_from(&mut run)? == expected.as_bytes());
    assert_eq!(code(run.wait()?), 0);
    let args = ["run", "-v", "--buffer", "1", "--", "head", "-c", "10000", "/dev/zero"];
    let mut run = spawn(pipe_demo(&args).stdout(Stdio::null()).stderr(narration.end()?))?;
    let told = String::from_utf8(narration.read_from(&mut run)?)?;
    assert_eq!(told.lines().filter(|line| *line == r#"read 1 bytes: "\0""#).count(), 10_000);
    assert_eq!(told.lines().last(), Some("head -c 10000 /dev/zero: exit status: 0"));
    Ok(())
}

/// std puts /dev/null where stdout was closed: what is written there would be lost without a word.
#[test]
fn a_stdout_that_was_closed_from_the_start_is_an_error_before_anything_is_run() -> Result {
    let folder = tempfile::tempdir()?;
    for what in ["run -- touch made", "pipeline 'touch made'"] {
        let script = format!("exec {} {what} >&-", env!("CARGO_BIN_EXE_pipe-demo"));
        let mut shell = std::process::Command::new("sh");
        let ended = output(shell.args(["-c", &script]).current_dir(&folder).stderr(Stdio::piped()))?;
        let error = "pipe-demo: write stdout: Bad file descriptor (os error 9)\n";
        assert_eq!((code(ended.status), stderr(&ended).as_str()), (1, error));
        assert!(!folder.path().join("made").exists(), "{what}");
    }
    Ok(())
}

#[test]
fn the_exit_code_is_the_commands() -> Result {
    for (script, expected) in [("exit 3", 3), ("kill -KILL $$", 137), ("true", 0)] {
        assert_eq!(code(run(&["run", "--", "sh", "-c", script])?.status), expected);
    }
    // A folder of PATH that may not be read would be another error.
    let output = output(pipe_demo(&["run", "--", "no-such-command"]).env("PATH", "/usr/bin:/bin"))?;
    assert_eq!(code(output.status), 127);
    assert_eq!(stderr(&output), "pipe-demo: start no-such-command: No such file or directory (os error 2)\n");
    assert_eq!(code(run(&["run", "--", "/"])?.status), 126);
    assert_eq!(code(run(&["run"])?.status), 2);
    for size in ["0", "-1", "1073741825", "99999999999999999999"] {
        assert_eq!(code(run(&["run", "--buffer", size, "--", "true"])?.status), 2);
        assert_eq!(code(run(&["atomicity", "--size", size])?.status), 2);
    }
    Ok(())
}

/// bash, told to ignore SIGCHLD, has the kernel forget how its children end, and what it starts inherits that.
#[test]
fn the_exit_code_is_known_though_sigchld_was_ignored() -> Result {
    let Some(bash) = support::harness::find_tool("bash") else { return Ok(()) };
    let script = format!("trap '' CHLD; exec {} run -- sh -c 'exit 3'", env!("CARGO_BIN_EXE_pipe-demo"));
    assert_eq!(code(output(std::process::Command::new(bash).args(["-c", &script]))?.status), 3);
    Ok(())
}

#[test]
fn the_command_reads_our_stdin() -> Result {
    let file = File::open("/proc/self/status")?;
    assert!(stdout(&output(pipe_demo(&["run", "--", "cat"]).stdin(file))?).contains("Name:"));
    Ok(())
}

#[test]
fn a_reader_that_goes_away_is_no_error() -> Result {
    let mut child = spawn(&mut pipe_demo(&["run", "--", "yes"]))?;
    wait_for(&mut child, "y\n")?;
    drop(child.stdout.take());
    let output = end_of(child)?;
    assert_eq!((code(output.status), stderr(&output).as_str()), (0, ""));
    Ok(())
}

#[test]
fn a_full_disk_is_an_error_and_ends_the_command() -> Result {
    let full = File::options().write(true).open("/dev/full")?;
    let output = output(pipe_demo(&["run", "--", "sh", "-c", "echo abc; exec sleep 1000"]).stdout(full))?;
    let expected = "pipe-demo: write stdout: No space left on device (os error 28)\n";
    assert_eq!((code(output.status), stderr(&output).as_str()), (1, expected));
    Ok(())
}

#[test]
fn ctrl_c_and_the_timeout_end_it_even_while_nobody_reads_its_stdout() -> Result {
    let (reader, writer) = std::io::pipe()?;
    let output = output(pipe_demo(&["run", "--timeout", "200ms", "--", "yes"]).stdout(writer))?;
    assert_eq!((code(output.status), stderr(&output).as_str()), (124, "pipe-demo: not done after 200ms\n"));
    drop(reader);

    let mut child = spawn(&mut pipe_demo(&["run", "--", "yes"]))?;
    wait_for(&mut child, "y\n")?;
    let unread = child.stdout.take();
    kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGINT)?;
    assert_eq!(end_of(child)?.status.signal(), Some(Signal::SIGINT as i32));
    drop(unread);
    Ok(())
}

/// What ends the program is unblocked in it, but not in the command, which gets the mask as it was.
#[test]
fn a_blocked_signal_ends_the_program_and_stays_blocked_in_the_command() -> Result {
    let blocked: SigSet = [Signal::SIGTERM, Signal::SIGPIPE].into_iter().collect();
    let deaf = |args: &[&str]| {
        let mut command = pipe_demo(args);
        // SAFETY: sigprocmask(2) is async-signal-safe.
        #[allow(unsafe_code, reason = "the mask is for the child alone")]
        unsafe {
            command.pre_exec(move || Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&blocked), None)?));
        }
        command
    };
    let mask = output(&mut deaf(&["run", "--", "grep", "SigBlk", "/proc/self/status"]))?;
    assert_eq!(stdout(&mask), "SigBlk:\t0000000000005000\n");
    let mut child = spawn(&mut deaf(&["run", "--", "sh", "-c", "echo ready; exec sleep 1000"]))?;
    wait_for(&mut child, "ready\n")?;
    kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
    assert_eq!(end_of(child)?.status.signal(), Some(Signal::SIGTERM as i32));
    Ok(())
}
