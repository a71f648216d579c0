//! Nothing is left behind, also when the program is ended in the middle.
//!
//! A program's own tests include this file, beside its `NAME` and the `COMMANDS` that have children.

use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::common::{finish, finish_spawned, program, spawn, text};
use super::{COMMANDS, NAME, PROGRAM};

#[test]
fn no_child_is_left() {
    for command in COMMANDS {
        // The shell adopts what the program leaves, and so ps sees it.
        let output = finish(&mut subreaper(&format!("\"$0\" {command} > /dev/null; ps -o pid=,stat=,comm= --ppid $$")));
        let left: Vec<_> = text(&output.stdout).lines().filter(|line| line.contains(NAME)).map(str::to_owned).collect();
        assert!(left.is_empty(), "{command}: {left:?}");
    }
}

fn subreaper(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, PROGRAM]);
    // SAFETY: one system call.
    #[allow(unsafe_code, reason = "it runs between fork and exec")]
    unsafe {
        command.pre_exec(|| Ok(prctl::set_child_subreaper(true)?));
    }
    command
}

#[test]
fn ended_in_the_middle_it_leaves_no_child_and_no_file() {
    end_all_in_the_middle(Signal::SIGINT);
}

#[test]
fn killed_in_the_middle_it_leaves_no_child_and_no_file() {
    end_all_in_the_middle(Signal::SIGKILL);
}

fn end_all_in_the_middle(signal: Signal) {
    let folder = tempfile::tempdir().unwrap();
    for command in COMMANDS {
        for moment in 0..12 {
            let mut command = program(&command.split(' ').collect::<Vec<_>>());
            end_in_the_middle(command.env("TMPDIR", folder.path()), signal, moment);
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Its children have its stdout too: that ends when the last of them has.
fn end_in_the_middle(command: &mut Command, signal: Signal, moment: u32) {
    let child = spawn(command);
    // Orders nothing: it only makes it another moment each time.
    (0..moment * 200).for_each(|_| std::thread::yield_now());
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
    finish_spawned(child);
}
