//! The circumstances in which the commands are run.

use std::fs;
use std::process::{Command, Stdio};

use crate::PROGRAM;
use crate::common::{finish, in_containers, program, text};

/// Without X, which is too short to be seen every time: then stderr says so.
const STATES: &str = "states R S D T Z";

const COMMANDS: [&str; 6] = ["demo", "fork", "orphan", "ids", STATES, "switching"];

#[test]
fn as_the_first_process_of_a_container_every_command_ends() {
    let Some(unshare) = in_containers() else { return };
    for command in ["demo", "fork", "orphan", "ids", "pids", "states", "memory", "syscalls", "switching"] {
        let output = unshare(&[PROGRAM, command]);
        assert_eq!(output.status.code(), Some(0), "{command}: {}", text(&output.stderr));
    }
    assert!(text(&unshare(&[PROGRAM, "orphan"]).stdout).contains("ppid_after=1 adopter=process-demo"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for command in COMMANDS {
        let script = format!("{{ \"$0\" {command}; echo \"code $?\" >&2; }} | true");
        let output = finish(Command::new("sh").args(["-c", &script, PROGRAM]));
        assert_eq!(text(&output.stderr), "code 0\n", "{command}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    for command in COMMANDS {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = program(&command.split(' ').collect::<Vec<_>>()).stdout(Stdio::from(full)).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}");
        let said = "process-demo: write stdout: No space left on device (os error 28)\n";
        assert_eq!(text(&output.stderr), said, "{command}");
    }
}

#[test]
fn a_stdout_that_was_closed_from_the_start_is_an_error() {
    for command in COMMANDS {
        let output = finish(Command::new("sh").args(["-c", &format!("\"$0\" {command} >&-"), PROGRAM]));
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert_eq!(text(&output.stderr), "process-demo: write stdout: Bad file descriptor (os error 9)\n", "{command}");
    }
}

#[test]
fn json_stands_before_and_behind_a_command() {
    for arguments in [&["--json", "fork"][..], &["fork", "--json"]] {
        let output = finish(&mut program(arguments));
        assert!(text(&output.stdout).lines().all(|line| line.starts_with('{')), "{arguments:?}");
    }
}

#[test]
fn with_v_each_fork_signal_and_wait_is_told() {
    let output = finish(&mut program(&["states", "T", "-v"]));
    let said = text(&output.stderr);
    for call in ["fork() = ", ", SIGSTOP)", " = stopped by SIGSTOP\n", " = killed by SIGKILL\n"] {
        assert!(said.contains(call), "{call}: {said}");
    }
}
