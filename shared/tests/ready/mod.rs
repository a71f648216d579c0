//! What waits for others says so, and tells whoever asked to be told through a descriptor or a socket.

#![allow(dead_code, reason = "not every program has a server")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

#[path = "../harness/mod.rs"]
mod harness;

/// The program with descriptors as the shell opens them.
fn with(redirections: &str, program: &str, command: &[&str], folder: &Path) -> Command {
    let mut shell = harness::command("sh", &["-c", &format!("exec \"$0\" \"$@\" {redirections}"), program]);
    shell.args(command).current_dir(folder);
    shell
}

/// The command, which is to tell through descriptor 5.
fn telling<'a>(command: &[&'a str]) -> Vec<&'a str> {
    [command, &["--ready-fd", "5"]].concat()
}

/// A folder in which commands find their FIFO.
fn folder() -> io::Result<TempDir> {
    let folder = TempDir::new()?;
    mkfifo(&folder.path().join("fifo"), Mode::S_IRWXU)?;
    Ok(folder)
}

/// One newline and the end, though the program goes on; by then it has said so in words.
pub fn tells_through_a_descriptor(program: &str, command: &[&str]) -> io::Result<()> {
    let (_watchdog, folder) = (harness::Watchdog::over_test(), folder()?);
    let mut child = with("5>&1 >&2", program, &telling(command), folder.path()).spawn()?;
    let mut told = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut told)?;
    assert_eq!(told, b"\n", "{command:?}");
    // Kept to the end: it is the reader of the program's stdout too, without whom `recv` would end.
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let said = first_line(&mut stderr)?;
    assert!(says_that_it_waits(&said), "{command:?}: {said}");
    assert_eq!(child.try_wait()?, None, "{command:?}");
    end(child)
}

/// What is no descriptor for it is wrong usage, before anything is done.
pub fn refuses_what_cannot_be_written(program: &str, command: &[&str]) -> io::Result<()> {
    let wrong =
        [("5", "5>&-", "Bad file descriptor"), ("5", "5</dev/null", "not open for writing"), ("1", "", "from 3 on")];
    for (number, redirections, why) in wrong {
        let folder = folder()?;
        let command = [command, &["--ready-fd", number]].concat();
        let output = harness::output(&mut with(redirections, program, &command, folder.path()))?;
        let errors = harness::text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{command:?} {redirections}: {errors}");
        assert!(errors.contains(why) && output.stdout.is_empty(), "{command:?} {redirections}: {errors}");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1, "{command:?}: something was made");
    }
    Ok(())
}

/// Whoever wanted to be told has gone: that is said, and the program goes on.
pub fn outlives_the_reader(program: &str, command: &[&str]) -> io::Result<()> {
    let (_watchdog, folder) = (harness::Watchdog::over_test(), folder()?);
    let mut child = with("5>&1 >&2", program, &telling(command), folder.path()).stdout(nobody_reads()?).spawn()?;
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let said = [first_line(&mut stderr)?, first_line(&mut stderr)?];
    assert!(says_that_it_waits(&said[0]), "{said:?}");
    assert!(said[1].ends_with(": write --ready-fd 5: Broken pipe (os error 32)\n"), "{said:?}");
    assert_eq!(child.try_wait()?, None, "{command:?}");
    end(child)
}

/// What goes wrong after that has its exit code and its line, as always.
pub fn still_says_what_goes_wrong_afterwards(program: &str, command: &[&str]) -> io::Result<()> {
    let folder = folder()?;
    let command = telling(&[command, &["--timeout", "50ms"]].concat());
    let output = harness::output(&mut with("5>&1 >&2", program, &command, folder.path()))?;
    let errors = harness::text(&output.stderr);
    assert_eq!((output.status.code(), &*output.stdout), (Some(124), &b"\n"[..]), "{command:?}: {errors}");
    assert!(errors.lines().count() >= 2, "{command:?}: {errors}");
    Ok(())
}

/// The server's clients are others than the reader of its stdout.
pub fn serves_though_nobody_reads_its_stdout(program: &str, command: &[&str]) -> io::Result<()> {
    let (_watchdog, folder) = (harness::Watchdog::over_test(), folder()?);
    let mut child = with("5>&2", program, &telling(command), folder.path()).stdout(nobody_reads()?).spawn()?;
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    assert_eq!(first_line(&mut stderr)?, "\n");
    kill(harness::pid(&child), Signal::SIGTERM)?;
    let mut said = String::new();
    stderr.read_to_string(&mut said)?;
    assert_eq!((child.wait()?.code(), said.starts_with("served ")), (Some(0), true), "{said}");
    Ok(())
}

/// systemd's way: a datagram when it listens, another as soon as it is asked to end.
pub fn tells_the_service_manager(program: &str, command: &[&str]) -> io::Result<()> {
    let folder = folder()?;
    let manager = UnixDatagram::bind(folder.path().join("manager"))?;
    manager.set_read_timeout(Some(harness::WATCHDOG))?;
    let mut server = harness::command(program, command);
    server.current_dir(folder.path()).env("NOTIFY_SOCKET", folder.path().join("manager"));
    let mut server = server.stderr(Stdio::null()).spawn()?;
    assert_eq!(datagram(&manager)?, "READY=1\n");
    assert!(says_that_it_waits(&first_line(&mut BufReader::new(server.stdout.take().unwrap()))?));
    kill(harness::pid(&server), Signal::SIGTERM)?;
    assert_eq!(datagram(&manager)?, "STOPPING=1\n");
    assert_eq!(harness::wait(&mut server)?.code(), Some(0));
    Ok(())
}

fn says_that_it_waits(line: &str) -> bool {
    line.starts_with("waiting ") || line.starts_with("listening ")
}

fn first_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line).map(|_| line)
}

fn datagram(socket: &UnixDatagram) -> io::Result<String> {
    let mut buffer = [0; 64];
    let count = socket.recv(&mut buffer)?;
    Ok(harness::text(&buffer[..count]))
}

/// The write end of a pipe whose reader has gone.
fn nobody_reads() -> io::Result<io::PipeWriter> {
    io::pipe().map(|(_, writer)| writer)
}

fn end(mut child: Child) -> io::Result<()> {
    child.kill()?;
    child.wait().map(drop)
}

/// The commands whose help names `--ready-fd` are those that the tests know.
pub fn are_all_that_wait(program: &str, known: &[&str]) -> io::Result<()> {
    let mut found = Vec::new();
    for command in commands(program, &[])? {
        let nested = commands(program, &[&command])?.into_iter().map(|inner| format!("{command} {inner}"));
        found.extend(nested.chain([command.clone()]));
    }
    let takes = |command: &String| {
        let words: Vec<&str> = command.split(' ').collect();
        Ok(help(program, &words)?.contains("--ready-fd").then(|| command.clone()))
    };
    let taking: io::Result<Vec<_>> = found.iter().map(takes).collect();
    assert_eq!(taking?.into_iter().flatten().collect::<Vec<_>>(), known);
    Ok(())
}

fn commands(program: &str, command: &[&str]) -> io::Result<Vec<String>> {
    Ok(harness::commands(&help(program, command)?).map(str::to_owned).collect())
}

fn help(program: &str, command: &[&str]) -> io::Result<String> {
    let output = harness::output(harness::command(program, command).arg("-h"))?;
    Ok(harness::text(&output.stdout))
}

/// The facts about every command that waits, and `$more` about this one.
#[macro_export]
macro_rules! waits {
    ($name:ident, $program:expr, $command:expr $(, $more:ident)*) => {
        mod $name {
            use super::*;
            $crate::waits!(@fact $program, $command, tells_through_a_descriptor);
            $crate::waits!(@fact $program, $command, refuses_what_cannot_be_written);
            $crate::waits!(@fact $program, $command, outlives_the_reader);
            $($crate::waits!(@fact $program, $command, $more);)*
        }
    };
    (@fact $program:expr, $command:expr, $fact:ident) => {
        #[test]
        fn $fact() -> std::io::Result<()> {
            ready::$fact($program, $command)
        }
    };
}
