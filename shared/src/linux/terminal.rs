//! Our controlling terminal, lent to a process group of ours as a shell lends it to a job.
//!
//! Whoever has it can read it, and gets what Ctrl-C and Ctrl-Z send. When Ctrl-Z stops the group we stop too, so that
//! our own shell sees it, and when that shell has us go on, the group does.
//!
//! Man: tcsetpgrp(3), credentials(7), waitid(2) at WSTOPPED.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg, raise};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use crate::linux::thread::spawn;

/// The terminal.
#[derive(Debug)]
pub(super) struct Terminal(File);

impl Terminal {
    /// Our controlling terminal, if there is one.
    pub(super) fn controlling() -> Option<Terminal> {
        File::options().read(true).write(true).open("/dev/tty").ok().map(Terminal)
    }

    /// In a child between fork and exec, in a group of its own: takes the terminal over if its parent has it.
    pub(super) fn take(&self, from: Pid) -> io::Result<()> {
        if tcgetpgrp(&self.0) == Ok(from) { self.lend_to(getpgrp()) } else { Ok(()) }
    }

    /// Takes it back, and says whether anybody else had it.
    pub(super) fn give_back(&self, from: Pid) -> bool {
        tcgetpgrp(&self.0) == Ok(from) && self.lend_to(getpgrp()).is_ok()
    }

    /// A group in the background that does so is stopped by SIGTTOU, unless it blocks that.
    fn lend_to(&self, group: Pid) -> io::Result<()> {
        let before = SigSet::from(Signal::SIGTTOU).thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let lent = tcsetpgrp(&self.0, group);
        before.thread_set_mask()?;
        Ok(lent?)
    }

    /// Stops this process whenever the terminal has stopped `group`, and continues the group when we are continued.
    pub(super) fn watch(self: &Arc<Self>, group: Pid) -> anyhow::Result<()> {
        let terminal = Arc::clone(self);
        let watch = move || {
            while let Ok(signal) = next_stop(group) {
                terminal.stop_with(group, signal);
            }
        };
        spawn(watch).map(drop)
    }

    fn stop_with(&self, group: Pid, signal: Signal) {
        self.give_back(group);
        // Returns when somebody has continued us. It has no effect where nobody could: in an orphaned process group.
        let _ = raise(signal);
        // If we are in the background now, the group finds that out by itself.
        if tcgetpgrp(&self.0) == Ok(getpgrp()) {
            let _ = self.lend_to(group);
        }
        let _ = killpg(group, Signal::SIGCONT);
    }
}

/// Waits until the terminal has stopped one of `group`: by Ctrl-Z, or because it read or wrote in the background.
fn next_stop(group: Pid) -> Result<Signal, Errno> {
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: `info` has room for what it writes.
        #[allow(unsafe_code, reason = "nix's waitid has no real-time signals")]
        let result =
            unsafe { libc::waitid(libc::P_PGID, group.as_raw().cast_unsigned(), info.as_mut_ptr(), libc::WSTOPPED) };
        match Errno::result(result) {
            Err(Errno::EINTR) => continue,
            // ECHILD: all have ended.
            result => result?,
        };
        // SAFETY: waitid(2) has filled it.
        #[allow(unsafe_code, reason = "siginfo_t is a union")]
        let signal = Signal::try_from(unsafe { info.assume_init_ref().si_status() })?;
        if matches!(signal, Signal::SIGTSTP | Signal::SIGTTIN | Signal::SIGTTOU) {
            return Ok(signal);
        }
    }
}
