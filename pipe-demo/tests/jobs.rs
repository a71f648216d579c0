//! The commands of `run` and `pipeline` as a job: on a terminal, and what of it ends and what stays.
#![cfg(not(loom))]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::thread;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, setsid};

#[path = "../../shared/tests/harness/mod.rs"]
mod harness;

use harness::{Result, Watchdog};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pipe-demo");
const CTRL_C: &[u8] = b"\x03";
const CTRL_D: &[u8] = b"\x04";
const CTRL_Z: &[u8] = b"\x1a";

/// A session with a terminal, which we hold the other end of.
struct Session {
    leader: Child,
    terminal: File,
    seen: String,
    _watched: Watchdog,
}

impl Session {
    fn start(script: &str) -> Result<Session> {
        let pty = openpty(None, None)?;
        fcntl(&pty.master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?; // Held by nobody else, the session ends with us.
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).env("PROGRAM", PROGRAM);
        let slave = File::from(pty.slave);
        shell.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave.try_clone()?);
        let number = slave.as_raw_fd();
        // SAFETY: setsid(2) and ioctl(2) are async-signal-safe.
        #[allow(unsafe_code, reason = "the session is for the child alone")]
        unsafe {
            shell.pre_exec(move || {
                setsid()?;
                match libc::ioctl(number, libc::TIOCSCTTY, 0) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
        }
        let leader = shell.spawn()?;
        Ok(Session { leader, terminal: File::from(pty.master), seen: String::new(), _watched: Watchdog::over_test() })
    }

    /// Reads until the terminal has shown `text`, after what was expected before.
    fn expect(&mut self, text: &str) -> Result {
        let mut buffer = [0; 1024];
        loop {
            if let Some((_, rest)) = self.seen.split_once(text) {
                self.seen = rest.to_owned();
                return Ok(());
            }
            let count = self.terminal.read(&mut buffer).map_err(|error| format!("{error}: {:?}", self.seen))?;
            self.seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }

    fn press(&mut self, keys: &[u8]) -> Result {
        Ok(self.terminal.write_all(keys)?)
    }
}

#[test]
fn a_command_reads_the_terminal_and_gives_it_back() -> Result {
    let mut session = Session::start(
        r#""$PROGRAM" run -- sh -c 'echo ready; while read line; do echo "$line"; done'; echo "code $?"; read line; echo "got $line""#,
    )?;
    session.expect("ready")?;
    session.press(b"hello\n")?;
    session.expect("hello\r\n")?; // What was typed,
    session.expect("hello\r\n")?; // and what was read.
    session.press(CTRL_D)?;
    session.expect("code 0")?;
    session.press(b"again\n")?;
    session.expect("got again")?;
    assert!(session.leader.wait()?.success());
    Ok(())
}

#[test]
fn ctrl_c_ends_the_command_and_the_program_by_sigint() -> Result {
    // An `exec` in place of `read` could lose it: sh -c catches SIGINT until then.
    for command in ["run -- sh -c 'echo ready; read line'", "pipeline cat \"sh -c 'echo ready; read line'\""] {
        let mut session = Session::start(&format!(r#"exec "$PROGRAM" {command}"#))?;
        session.expect("ready")?;
        session.press(CTRL_C)?;
        assert_eq!(session.leader.wait()?.signal(), Some(Signal::SIGINT as i32), "{command}");
    }
    Ok(())
}

#[test]
fn ctrl_z_stops_both_and_both_go_on() -> Result {
    let script = r#"set -m; "$PROGRAM" run -- sh -c 'echo ready; read line; echo "got $line"'; echo "code $?"; fg"#;
    let mut session = Session::start(script)?;
    session.expect("ready")?;
    session.press(CTRL_Z)?;
    session.expect(&format!("code {}", 128 + Signal::SIGTSTP as i32))?;
    session.press(b"hello\n")?;
    session.expect("got hello")?;
    assert!(session.leader.wait()?.success());
    Ok(())
}

#[test]
fn what_a_command_leaves_in_the_background_stays() -> Result {
    for command in ["sleep 1000 > /dev/null 2>&1 & echo $!", "setsid sleep 1000 > /dev/null 2>&1 & echo $!; exit 3"] {
        let output = Command::new(PROGRAM).args(["run", "--", "sh", "-c", command]).stdin(Stdio::null()).output()?;
        let pid = Pid::from_raw(String::from_utf8(output.stdout)?.trim().parse()?);
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        kill(pid, Signal::SIGKILL)?;
        assert!(!stat.contains(") Z "), "{stat}");
    }
    Ok(())
}

fn program(args: &[&str]) -> Command {
    harness::command(PROGRAM, args)
}

/// Starts a script that prints a line when it is there.
fn started(script: &str) -> Result<Child> {
    let mut child = program(&["run", "--", "sh", "-c", script]).spawn()?;
    child.stdout.as_mut().ok_or("no stdout")?.read_exact(&mut [0; 6])?;
    Ok(child)
}

/// All have the stderr of the first: its end is theirs.
#[test]
fn what_a_command_has_started_ends_with_it_at_the_timeout_and_by_a_signal() -> Result {
    let _watched = Watchdog::over_test();
    for script in ["sleep 1000; true", "sleep 1000 & wait", "sleep 1000 & true"] {
        let output = program(&["run", "--timeout", "200ms", "--", "sh", "-c", script]).output()?;
        assert_eq!(output.status.code(), Some(124), "{script}");
    }
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        let child = started("echo ready; sleep 1000; true")?;
        kill(Pid::from_raw(i32::try_from(child.id())?), signal)?;
        assert_eq!(child.wait_with_output()?.status.signal(), Some(signal as i32));
    }
    Ok(())
}

#[test]
fn a_command_ends_although_the_program_was_killed() -> Result {
    let _watched = Watchdog::over_test();
    let child = started("echo ready; exec sleep 1000")?;
    kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGKILL)?;
    assert_eq!(child.wait_with_output()?.status.signal(), Some(Signal::SIGKILL as i32));
    Ok(())
}

/// The program, in a process group of its own, and the PID of a child that it has started.
fn with_a_child(mut program: Command) -> Result<(Child, Pid)> {
    let program = program.process_group(0).spawn()?;
    let threads = format!("/proc/{}/task", program.id());
    loop {
        for thread in fs::read_dir(&threads)?.flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            // In `race` it is forked before the signals are caught: the threads of the story tell when they are.
            if fs::read_dir(&threads)?.count() > 2
                && let Some(child) = children.split_whitespace().next()
            {
                return Ok((program, Pid::from_raw(child.parse()?)));
            }
        }
        thread::yield_now();
    }
}

fn endless_race() -> Command {
    let args = ["race", "--how", "plain", "--updates", "1000000000000"];
    harness::command(env!("CARGO_BIN_EXE_sync-demo"), &args)
}

#[test]
fn a_signal_to_the_whole_group_shows_as_that_signal_and_not_as_an_error() -> Result {
    let _watched = Watchdog::over_test();
    for command in [|| program(&["bench"]), endless_race] {
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            let (program, _) = with_a_child(command())?;
            killpg(Pid::from_raw(i32::try_from(program.id())?), signal)?;
            ended_by(program, signal)?;
        }
    }
    Ok(())
}

/// As it is when a service manager signals all processes, one after the other.
#[test]
fn a_helper_that_died_of_a_signal_before_it_reached_the_program_is_no_error() -> Result {
    let _watched = Watchdog::over_test();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let (program, helper) = with_a_child(endless_race())?;
        kill(helper, signal)?;
        ended_by(program, signal)?;
    }
    Ok(())
}

fn ended_by(program: Child, signal: Signal) -> Result {
    let output = program.wait_with_output()?;
    assert_eq!((output.status.signal(), output.status.code()), (Some(signal as i32), None));
    assert_eq!((output.stderr.len(), output.stdout.len()), (0, 0), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn arguments_that_are_not_utf_8_go_through_unchanged() -> Result {
    let odd = OsStr::from_bytes(b"\xff \xe4\xb8\xad");
    let mut run = Command::new(PROGRAM);
    let mut pipeline = Command::new(PROGRAM);
    run.args(["run", "--", "printf", "%s"]).arg(odd);
    pipeline.arg("pipeline").arg(OsStr::from_bytes(b"printf %s '\xff \xe4\xb8\xad'")).arg("cat");
    for mut command in [run, pipeline] {
        assert_eq!(command.output()?.stdout, odd.as_bytes());
    }
    Ok(())
}
