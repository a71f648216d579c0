//! A temporary folder that goes with the process that made it, however that ends.
//!
//! A child makes it, and removes it when a pipe ends: then its maker has done so itself, or has ended. No Ctrl-C
//! reaches the child, which is in a session of its own.
//!
//! Go: `os.MkdirTemp`. Man: mkdtemp(3), setsid(2), pipe(7).

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use libc::{WEXITED, pid_t};
use nix::unistd;
use shared::readiness::restart;
use shared::report;

use crate::child::{self, Event};
use crate::signal::Signal;
use crate::signal::action::Action;
use crate::signal::set::Set;

pub struct Folder {
    path: PathBuf,
    keeper: pid_t,
    /// While it is open, the folder stays.
    keep: Option<PipeWriter>,
}

impl Folder {
    pub fn make() -> anyhow::Result<Folder> {
        // Were it ignored, as our parent may have left it, the keeper could not be waited for.
        Action::Default.set(Signal::CHLD).context("reset SIGCHLD")?;
        let (until, keep) = io::pipe().context("pipe")?;
        let (mut answer, tell) = io::pipe().context("pipe")?;
        let ours = &keep;
        let keeper = child::fork(move || {
            child::close_copy(ours)?;
            Set::ALL.become_mask()?;
            unistd::setsid()?;
            keep_until(until, tell)
        })?;
        let mut path = Vec::new();
        let told = answer.read_to_end(&mut path).context("wait for a folder");
        let folder = Folder { path: OsString::from_vec(path).into(), keeper, keep: Some(keep) };
        told?;
        ensure!(!folder.path.as_os_str().is_empty(), "no folder can be made in {}", env::temp_dir().display());
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn remove(mut self) -> anyhow::Result<()> {
        self.end()
    }

    fn end(&mut self) -> anyhow::Result<()> {
        if self.keep.take().is_none() {
            return Ok(());
        }
        let keeper = self.keeper;
        let end = child::waitid(keeper, WEXITED).with_context(|| format!("wait for child {keeper}"))?;
        // What went wrong it has said itself.
        ensure!(end == Some(Event::Exited(0)), "{} is not removed", self.path.display());
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            report::narrate(format_args!("{error:#}"));
        }
    }
}

/// In the child. It tells nothing where no folder can be made.
fn keep_until(mut end: PipeReader, mut tell: PipeWriter) -> anyhow::Result<()> {
    let Ok(path) = unistd::mkdtemp(&env::temp_dir().join("signal-demo-XXXXXX")) else { return Ok(()) };
    // Told or not, it is removed.
    let told = tell.write_all(path.as_os_str().as_bytes());
    drop(tell);
    restart(|| end.read(&mut [0]))?;
    fs::remove_dir_all(&path).with_context(|| format!("remove {}", path.display()))?;
    Ok(told?)
}
