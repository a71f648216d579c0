//! What a signal does by default, found out in children that it may kill, stop or leave alone.
//!
//! Only a written core file tells `core` from `term`. Where the kernel hands core dumps to a program, such as
//! systemd-coredump, none is caused: there signal(7) has the word, and stderr says so.
//!
//! Note: 信号. Man: signal(7), core(5).

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use libc::{WCONTINUED, WEXITED, WSTOPPED};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{self, Pid};
use serde::Serialize;
use shared::linux::child::event::Event;
use shared::linux::child::forked::{Forked, pause};
use shared::linux::failure::in_one_line;
use shared::linux::memory::page_size;
use shared::linux::scratch::Folder;
use shared::linux::stdio;

use crate::signal::action::{self, Action};
use crate::signal::set::Set;
use crate::signal::{Signal, send};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DefaultAction {
    Term,
    Core,
    Stop,
    Continue,
    Ignore,
}

/// Where core files go.
pub struct Experiment {
    folder: Option<Folder>,
}

impl Experiment {
    pub fn prepare() -> anyhow::Result<Experiment> {
        let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").context("read core_pattern")?;
        let pattern = pattern.trim_end();
        if pattern.is_empty() || pattern.contains(['|', '@', '/']) {
            return Ok(Experiment::without_cores(&format!("core dumps go to {pattern:?}")));
        }
        let folder = match Folder::make("signal-demo") {
            Ok(folder) => folder,
            Err(error) => return Ok(Experiment::without_cores(&in_one_line(&error))),
        };
        let experiment = Experiment { folder: Some(folder) };
        match experiment.observe(Signal::QUIT)? {
            DefaultAction::Core => Ok(experiment),
            _ => Ok(Experiment::without_cores("no core file can be written")),
        }
    }

    fn without_cores(why: &str) -> Experiment {
        stdio::narrate(format_args!("core or term: as signal(7) says, not by experiment, since {why}"));
        Experiment { folder: None }
    }

    /// Whether `core` is told from `term` by a core file.
    pub fn sees_cores(&self) -> bool {
        self.folder.is_some()
    }

    pub fn clean_up(self) -> anyhow::Result<()> {
        self.folder.map_or(Ok(()), Folder::remove)
    }

    pub fn observe(&self, signal: Signal) -> anyhow::Result<DefaultAction> {
        let folder = self.folder.as_ref().map(Folder::path);
        let mut child = Forked::new(|| expose_itself(signal, folder))?;
        Ok(match child.wait(WEXITED | WSTOPPED)? {
            Event::Killed { core: true, .. } => DefaultAction::Core,
            Event::Killed { .. } if self.folder.is_none() && is_said_to_dump(signal) => DefaultAction::Core,
            Event::Killed { .. } => DefaultAction::Term,
            Event::Stopped(_) => DefaultAction::Stop,
            Event::Exited(0) if continues(signal)? => DefaultAction::Continue,
            Event::Exited(0) => DefaultAction::Ignore,
            event => bail!("child {}: {event}", child.pid()),
        })
    }
}

/// In the child: returns if the signal lets it.
fn expose_itself(signal: Signal, folder: Option<&Path>) -> anyhow::Result<()> {
    be_alone_with(signal)?;
    match folder {
        Some(folder) => {
            unistd::chdir(folder).with_context(|| format!("chdir {}", folder.display()))?;
            let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
            // The kernel writes this much of a core file, which is enough to tell.
            setrlimit(Resource::RLIMIT_CORE, hard.min(page_size()?.get() as u64), hard)?;
        }
        None => prctl::set_dumpable(false)?,
    }
    if action::is_free(signal)? {
        Action::Default.set(signal)?;
    }
    send::to_self(signal)
}

/// No other signal acts, and the terminal's go to the process group that is left.
fn be_alone_with(signal: Signal) -> anyhow::Result<()> {
    unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
    Set::ALL.minus(signal.into()).become_mask()?;
    Ok(())
}

/// Whether a stopped child goes on: it is set going before kill(2) returns. It does not end, since one that is
/// about to end has no state that waitid(2) could tell.
fn continues(signal: Signal) -> anyhow::Result<bool> {
    let mut child = Forked::new(|| {
        be_alone_with(signal)?;
        send::raise(Signal::STOP)?;
        pause()
    })?;
    child.wait(WSTOPPED)?;
    send::kill(child.pid(), signal).with_context(|| format!("send {signal} to child {}", child.pid()))?;
    Ok(child.look(WCONTINUED)?.is_some())
}

fn is_said_to_dump(signal: Signal) -> bool {
    matches!(
        signal.number(),
        libc::SIGQUIT
            | libc::SIGILL
            | libc::SIGTRAP
            | libc::SIGABRT
            | libc::SIGBUS
            | libc::SIGFPE
            | libc::SIGSEGV
            | libc::SIGXCPU
            | libc::SIGXFSZ
            | libc::SIGSYS
    )
}
