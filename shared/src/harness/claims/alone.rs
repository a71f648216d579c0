//! One check, in a process of its own that cannot outlive this one.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{getpid, getppid};

use super::go::Go;
use super::ledger::Statement;
use super::record::Observed;
use super::verdict::{Check, Seen};
use crate::harness::report::written;
use crate::linux::child::teller::Told;
use crate::linux::child::{Children, this_program};
use crate::linux::failure::Failure;
use crate::linux::{shutdown, signals};

/// In the process of the check.
pub(super) fn answer<'a>(parent: i32, checks: impl Iterator<Item = &'a Check>) -> anyhow::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL).context("PR_SET_PDEATHSIG")?;
    if getppid().as_raw() != parent {
        return Err(Failure::AlreadySaid.into());
    }
    for (_, check) in checks {
        let told = serde_json::to_string(&Told::from(check()))?;
        written(writeln!(io::stdout(), "{told}"))?;
    }
    Ok(())
}

/// Runs one check after the other, and ends what each leaves in its process group.
pub(super) struct Checker {
    timeout: Duration,
    /// For the thread that handles Ctrl-C.
    running: Arc<Mutex<Children>>,
    go: Go,
}

impl Checker {
    pub(super) fn new(timeout: Duration) -> anyhow::Result<Checker> {
        let running = Arc::new(Mutex::new(Children::helpers()));
        shutdown::abort_on_signals({
            let running = Arc::clone(&running);
            move || running.lock().unwrap_or_else(PoisonError::into_inner).kill()
        })?;
        Ok(Checker { timeout, running, go: Go::default() })
    }

    pub(super) fn check(&mut self, statement: &Statement) -> anyhow::Result<(Observed, String)> {
        let mut stdout = File::from(memfd_create("evidence", MFdFlags::MFD_CLOEXEC).context("memfd_create")?);
        let mut command = this_program()?;
        command.args(["claims", &statement.number.to_string(), "--alone", &getpid().to_string()]);
        command.stdin(Stdio::null()).stdout(stdout.try_clone()?);
        let mut whom = String::new();
        if let Some(step) = &statement.go {
            match self.go(step, &mut command)? {
                Ok(version) => whom = format!("{version}: "),
                Err(none) => return Ok(none),
            }
        }
        let (in_time, why) = self.run(&mut command)?;
        let mut text = String::new();
        stdout.rewind().and_then(|()| stdout.read_to_string(&mut text)).context("read the evidence")?;
        Ok(match serde_json::from_str(&text) {
            _ if !in_time => (Observed::Failed, why),
            Ok(Told::<Seen>::Seen(seen)) => (Observed::Seen(seen.verdict), whom + &seen.evidence),
            Ok(Told::Skipped(why)) => (Observed::Skipped, why),
            Ok(Told::Failed(why)) => (Observed::Failed, why),
            Err(_) => (Observed::Failed, why),
        })
    }

    /// Lets the check ask Go, or tells why it cannot: without Go there is no check.
    fn go(&mut self, step: &str, command: &mut Command) -> anyhow::Result<Result<String, (Observed, String)>> {
        let children = self.new_children();
        let offered = self.go.offer(step, command, &children);
        children.end();
        signals::check()?;
        Ok(offered)
    }

    /// For what is to run next.
    fn new_children(&self) -> Children {
        let children = Children::helpers();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&children);
        children
    }

    /// Whether the process ended in time, and how. A signal that was meant for all of us is an error, not its end.
    fn run(&mut self, command: &mut Command) -> anyhow::Result<(bool, String)> {
        let deadline = Instant::now() + self.timeout;
        let children = self.new_children();
        let seen = children.spawn(command).and_then(|mut child| {
            // It may have ended before this wait, and late all the same.
            let in_time = child.ends_by(deadline)? && Instant::now() <= deadline;
            let late = || format!("not done after {:?}", self.timeout);
            Ok((in_time, if in_time { child.wait()?.to_string() } else { late() }))
        });
        children.end();
        children.check()?;
        seen.context("run the check")
    }
}
