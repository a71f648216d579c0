//! A process group of ours and its leader, from the first child to the reaping of all.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, getpgrp, getpid};

use super::event::wait_for_end;
use super::fork::die_with;
use crate::linux::failure::{Failure, start_failed};
use crate::linux::pidfd::PidFd;
use crate::linux::signals;
use crate::linux::stdio::complain;
use crate::linux::terminal::Terminal;

/// Whose the children are, which decides how they are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Parts of this program: killed, and nothing of them stays.
    Ours,
    /// The user's commands: they have the terminal and are asked before they are killed. What they leave in the
    /// background when they have ended stays, as in sh.
    Users,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) whose: Whose,
    /// No more can be started.
    pub(super) over: bool,
    pub(super) group: Option<Pid>,
    terminal: Option<Arc<Terminal>>,
    pub(super) started: Vec<Arc<Started>>,
    pub(super) broken_off: Option<Signal>,
}

#[derive(Debug)]
pub(super) struct Started {
    pub(super) pidfd: PidFd,
    pub(super) waited_for: AtomicBool,
}

impl Job {
    pub(super) fn of(whose: Whose) -> Job {
        Job { whose, over: false, group: None, terminal: None, started: Vec::new(), broken_off: None }
    }

    /// The group's first child becomes its leader, and takes the terminal.
    pub(super) fn prepare<'a>(&mut self, command: &'a mut Command) -> &'a mut Command {
        let (parent, ours) = (getpid(), getpgrp());
        command.process_group(self.group.map_or(0, Pid::as_raw));
        if self.whose == Whose::Users && self.group.is_none() {
            self.terminal = Terminal::controlling().map(Arc::new);
        }
        let terminal = self.terminal.clone().filter(|_| self.group.is_none());
        // SAFETY: prctl(2), getppid(2), tcsetpgrp(3) and pthread_sigmask(3) are async-signal-safe.
        #[allow(unsafe_code, reason = "between fork and exec only async-signal-safe calls are allowed")]
        unsafe {
            command.pre_exec(move || {
                die_with(parent)?;
                terminal.as_ref().map_or(Ok(()), |terminal| terminal.take(ours))
            });
        }
        signals::hand_on(command)
    }

    pub(super) fn own(&mut self, child: Pid) -> anyhow::Result<Arc<Started>> {
        let pidfd = PidFd::open(child.as_raw()).inspect_err(|_| {
            let _ = kill(child, Signal::SIGKILL);
            let _ = wait_for_end(child.as_raw(), 0);
        });
        let started = Arc::new(Started {
            pidfd: pidfd.with_context(|| format!("pidfd_open {child}"))?,
            waited_for: AtomicBool::new(false),
        });
        self.started.push(Arc::clone(&started));
        if self.group.is_none() {
            self.group = Some(child);
            self.terminal.iter().try_for_each(|terminal| terminal.watch(child))?;
        }
        Ok(started)
    }

    pub(super) fn is_done(&self) -> bool {
        self.whose == Whose::Users && self.started.iter().all(|child| child.waited_for.load(Ordering::SeqCst))
    }

    pub(super) fn signal(&self, signal: Signal) {
        // ESRCH is none: the leader is there, if only as a zombie. EPERM: all that are left are another user's.
        if let Some(Err(error)) = self.group.map(|group| killpg(group, signal))
            && error != Errno::EPERM
        {
            complain(&anyhow::Error::new(error).context(format!("send {signal} to our process group")));
        }
    }

    pub(super) fn kill(&mut self) {
        self.over = true;
        self.signal(Signal::SIGKILL);
        self.reap();
    }

    /// Afterwards their PIDs may belong to others.
    pub(super) fn reap(&mut self) {
        let (terminal, group) = (self.terminal.take(), self.group.take());
        let had_terminal = terminal.zip(group).is_some_and(|(terminal, group)| terminal.give_back(group));
        for child in self.started.drain(..) {
            // ECHILD: somebody has waited for any child.
            let signal = wait_for_end(child.pidfd.pid(), 0).ok().and_then(|status| status.signal());
            let signal = signal.and_then(|signal| Signal::try_from(signal).ok());
            let is_for_us = |signal: &Signal| match self.whose {
                Whose::Ours => signals::ASKING.contains(signal),
                Whose::Users => had_terminal && *signal == Signal::SIGINT,
            };
            self.broken_off = self.broken_off.or(signal.filter(is_for_us));
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.is_done() { self.reap() } else { self.kill() }
    }
}

/// Says why a command cannot be started; the exit code is the shell's.
pub(in crate::linux) fn cannot_start(command: &Command, error: io::Error) -> anyhow::Error {
    let code = match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT) => 127,
        None | Some(Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE) => 1,
        Some(_) => 126,
    };
    let error = start_failed(&format!("start {}", command.get_program().display()), error);
    if let Some(Failure::NoMoreProcesses(_)) = error.downcast_ref() {
        return error;
    }
    complain(&error);
    Failure::Child(code).into()
}
