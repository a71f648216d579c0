//! What a program has in common with the process that started it: the terminal's foreground (claim 136), and the stdout
//! that it was started with, which it keeps when that process stops or ends (claim 137).
//!
//! A stand-in for `go run`: a process that starts a program as that does, with its own stdout, and waits for it. `cargo
//! run` does not wait: it becomes the program, by execve(2).
//!
//! Note: 信号 ("go run"). Go: `exec.Cmd.Stdout = os.Stdout`. Man: fork(2), write(2), setsid(2).

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::time::{Duration, Instant};

use anyhow::Context;
use libc::{WEXITED, WSTOPPED, pid_t};
use nix::sys::signal::{SIGKILL, SIGSTOP};
use nix::unistd;
use serde::Serialize;
use shared::linux::child::answer::{await_turn, give_turn, tell, telling, told};
use shared::linux::child::event::{Event, waitid};
use shared::linux::child::forked::{Forked, become_subreaper, close_copy, fork, pause};
use shared::linux::readiness;

use super::terminal::{lead_session_at, terminal};
use crate::signal::Signal;
use crate::signal::action::Action;

/// Whether the program prints a line when it is its turn.
#[derive(Debug, Serialize)]
pub struct Output {
    /// What became of its launcher before; nothing yet at first.
    pub launcher: Option<Event>,
    pub program_prints: bool,
}

/// What a key did to the launcher, whom the terminal knows, and to the program that it had started.
#[derive(Debug, Serialize)]
pub struct Interrupted {
    typed: &'static str,
    launcher: Event,
    program: Event,
}

/// Types ^C at a terminal whose foreground both are.
pub fn interrupted() -> anyhow::Result<Interrupted> {
    become_subreaper(true)?;
    let (mut master, name) = terminal()?;
    let (mut launcher, ready) = telling(|teller| {
        Action::Default.set(Signal::INT)?;
        let _terminal = lead_session_at(&name)?;
        let program = Forked::new(pause)?;
        tell(teller, &[program.pid()])?;
        pause()
    })?;
    let [program] = told(&ready)?;
    master.write_all(b"\x03").context("type")?;
    let launcher = launcher.wait(WEXITED)?;
    let program = waitid(program, WEXITED).context("wait for the program")?.context("the program has not ended")?;
    Ok(Interrupted { typed: "^C", launcher, program })
}

const LINE: &[u8] = b"tick\n";

/// A line that has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(3);

/// At first; when the launcher is stopped; when it has been killed.
pub fn outputs() -> anyhow::Result<[Output; 3]> {
    // To reap the program, which will have lost its parent.
    become_subreaper(true)?;
    let (output, stdout) = io::pipe().context("pipe")?;
    let (turn, give) = io::pipe().context("pipe")?;
    let (mut launcher, answer) = telling(|teller| {
        close_copy(&give)?;
        unistd::dup2_stdout(&stdout).context("dup2")?;
        launch(&turn, teller)
    })?;
    let program = Program { output, give };
    let [pid] = told(&answer)?;

    let first = Output { launcher: None, program_prints: program.prints()? };
    launcher.signal(SIGSTOP)?;
    let stopped = Output { launcher: Some(launcher.wait(WSTOPPED)?), program_prints: program.prints()? };
    launcher.signal(SIGKILL)?;
    let killed = Output { launcher: Some(launcher.wait(WEXITED)?), program_prints: program.prints()? };
    program.end(pid)?;
    Ok([first, stopped, killed])
}

// ANCHOR: launch
/// Starts the program, which inherits this process's stdout, and waits for it.
fn launch(turn: &PipeReader, teller: &PipeWriter) -> anyhow::Result<()> {
    let program = fork(|| {
        while await_turn(turn)? {
            io::stdout().write_all(LINE).and_then(|()| io::stdout().flush())?;
        }
        Ok(())
    })?;
    tell(teller, &[program])?;
    waitid(program, WEXITED)?;
    Ok(())
}
// ANCHOR_END: launch

/// It prints a line whenever it is its turn, and ends when there are no more turns.
struct Program {
    output: PipeReader,
    give: PipeWriter,
}

impl Program {
    fn prints(&self) -> anyhow::Result<bool> {
        give_turn(&self.give)?;
        let mut line = [0; LINE.len()];
        match readiness::await_readable(&self.output, Instant::now() + PATIENCE) {
            Err(error) if readiness::is_timeout(&error) => return Ok(false),
            ready => ready.context("wait for a line")?,
        }
        (&self.output).read_exact(&mut line).context("read a line")?;
        Ok(line == *LINE)
    }

    fn end(self, pid: pid_t) -> anyhow::Result<()> {
        drop(self.give);
        waitid(pid, WEXITED).with_context(|| format!("wait for process {pid}"))?;
        Ok(())
    }
}
