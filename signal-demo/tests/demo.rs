//! The note's story, and the circumstances in which it is told.

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use common::{errors, finish, harness, in_containers, program, run, stdout, text, waiting};
use nix::sys::signal::{SigHandler, Signal, signal};

const PROGRAM: &str = env!("CARGO_BIN_EXE_signal-demo");

/// Those that need no argument.
const COMMANDS: &[&str] = &[
    "demo",
    "list",
    "list --kernel",
    "queue",
    "order",
    "sources",
    "actions",
    "actions --first-process",
    "permission",
    "notify",
];

const STORY: &str = "\
Set notification for [interrupt quit]... [sigRecv1]
Set notification for [quit]... [sigRecv2]
Send signal 'interrupt' to the process (pid=P)...
Received a signal from sigRecv1: interrupt
Send signal 'quit' to the process (pid=P)...
Received a signal from sigRecv1: quit
Received a signal from sigRecv2: quit
Stop notification...done. [sigRecv1]
End. [sigRecv1]
Send signal 'interrupt' to a child (pid=P)...
The child died of the signal: interrupt
Send signal 'quit' to the process (pid=P)...
Received a signal from sigRecv2: quit
Stop notification...done. [sigRecv2]
End. [sigRecv2]
";

fn without_pids(story: &str) -> String {
    let digits = |c: char| c.is_ascii_digit();
    story
        .split("pid=")
        .enumerate()
        .map(|(i, part)| if i == 0 { part.to_owned() } else { format!("pid=P{}", part.trim_start_matches(digits)) })
        .collect()
}

#[test]
fn without_a_command_the_story_is_told() {
    assert_eq!(without_pids(&stdout(&[])), STORY);
    assert_eq!(without_pids(&stdout(&["demo"])), STORY);
}

#[test]
fn every_call_can_be_shown_on_stderr() {
    let calls = text(&run(&["-vv", "demo"]).stderr);
    for call in ["fork() = ", " = killed by SIGINT\n", "read(", " = EAGAIN\n"] {
        assert!(calls.contains(call), "{call}: {calls}");
    }
    let calls = text(&run(&["wait", "USR1", "--timeout", "1ms", "-vv"]).stderr);
    assert!(calls.contains("epoll_wait("), "{calls}");
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    let stories: Vec<_> = (0..8).map(|_| std::thread::spawn(|| stdout(&[]))).collect();
    for story in stories {
        assert_eq!(without_pids(&story.join().unwrap()), STORY);
    }
}

#[test]
fn what_was_ignored_at_the_start_is_caught_and_then_ignored_again() {
    let mut command = program(&[]);
    // SAFETY: sigaction(2) may be called between fork and exec.
    #[allow(unsafe_code, reason = "it runs between fork and exec")]
    unsafe {
        command.pre_exec(|| {
            for ignored in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP, Signal::SIGCHLD] {
                signal(ignored, SigHandler::SigIgn)?;
            }
            Ok(())
        });
    }
    let output = finish(&mut command);
    let expected = STORY.replace("died of the signal", "ignored the signal, as this program did when it began");
    assert_eq!(without_pids(&text(&output.stdout)), expected);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn as_the_first_process_of_a_container_every_command_ends() {
    let Some(unshare) = in_containers() else { return };
    assert_eq!(without_pids(&text(&unshare(&[PROGRAM]).stdout)), STORY);
    for command in COMMANDS {
        let output = unshare(&[&[PROGRAM][..], &command.split(' ').collect::<Vec<_>>()].concat());
        // Its first process may be unable to become another user.
        let codes: &[i32] = if *command == "permission" { &[0, 77] } else { &[0] };
        assert!(codes.contains(&output.status.code().unwrap()), "{command}: {}", text(&output.stderr));
    }
}

#[test]
fn a_process_of_a_similar_name_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let bystanders: Vec<_> = ["signal-demo", "signal-demo-2", "signal", "mysignal"]
        .iter()
        .map(|name| {
            let path = folder.path().join(name);
            symlink(PROGRAM, &path).unwrap();
            waiting(&path).spawn().unwrap()
        })
        .collect();
    for command in COMMANDS {
        run(&command.split(' ').collect::<Vec<_>>());
    }
    for mut bystander in bystanders {
        assert_eq!(bystander.try_wait().unwrap(), None);
        bystander.kill().unwrap();
        bystander.wait().unwrap();
    }
}

/// Those that can show something here.
fn possible() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().copied().filter(|command| {
        let output = finish(&mut program(&command.split(' ').collect::<Vec<_>>()));
        let is_shown = output.status.code() != Some(77);
        if !is_shown {
            harness::say(format_args!("skipped: {}", text(&output.stderr)));
        }
        is_shown
    })
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for command in possible() {
        let script = format!("{{ \"$0\" {command}; echo \"code $?\" >&2; }} | true");
        let output = finish(Command::new("sh").args(["-c", &script, PROGRAM]));
        assert_eq!(errors(&output), "code 0\n", "{command}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    for command in possible() {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = program(&command.split(' ').collect::<Vec<_>>()).stdout(Stdio::from(full)).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert_eq!(errors(&output), "signal-demo: write stdout: No space left on device (os error 28)\n", "{command}");
    }
}

#[test]
fn a_stdout_that_was_closed_from_the_start_is_an_error() {
    // Before the signal is sent, and before anything is waited for.
    for command in possible().chain(["send $$ KILL", "ended $$"]) {
        let output = finish(Command::new("sh").args(["-c", &format!("\"$0\" {command} >&-"), PROGRAM]));
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert_eq!(errors(&output), "signal-demo: write stdout: Bad file descriptor (os error 9)\n", "{command}");
    }
}
