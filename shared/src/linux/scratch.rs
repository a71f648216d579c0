//! A temporary folder, and children that work in it: both go with the process that made them, however that ends.
//!
//! A shell makes the folder, and removes it when its stdin ends: then the maker has let go of it, or is no more. No Ctrl-C
//! reaches the shell, which is in a process group of its own.
//!
//! Go: `os.MkdirTemp`. Man: mktemp(1), setpgid(2), pipe(7).

use std::env;
use std::ffi::OsString;
use std::io::{self, PipeWriter, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};

use crate::linux::child::Children;
use crate::linux::pidfd;
use crate::linux::shutdown::abort_on_signals;
use crate::linux::stdio::complain;

/// Told or not, the folder is removed; told in vain, the maker has gone.
const CUSTODIAN: &str = r#"trap '' HUP INT PIPE QUIT TERM
folder=$(mktemp -d -- "${TMPDIR:-/tmp}/$0-XXXXXX") || exit
printf %s "$folder" 2> /dev/null
exec > /dev/null
cat
rm -rf -- "$folder""#;

/// The folder and its custodian.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    custodian: Child,
    /// While it is open, the folder stays.
    keep: Option<PipeWriter>,
}

/// Does `work` in a new folder, with children of its own, and leaves nothing of either, also where a signal ends it.
///
/// Once a process: it takes the signals.
pub fn with<T>(program: &str, work: impl FnOnce(&Path, &Children) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let (folder, children) = (Folder::make(program)?, Children::helpers());
    abort_on_signals({
        let children = children.clone();
        move || children.kill()
    })?;
    let done = work(folder.path(), &children);
    children.end();
    let removed = folder.remove();
    // The thread that is to end us by a signal kills the children first: the work may have failed of that meanwhile.
    children.check()?;
    done.and_then(|done| removed.map(|()| done))
}

impl Folder {
    /// Its name begins with that of the `program`.
    pub fn make(program: &str) -> anyhow::Result<Folder> {
        pidfd::keep_how_children_end().context("reset SIGCHLD")?;
        let (until, keep) = io::pipe().context("pipe")?;
        let mut shell = Command::new("sh");
        shell.args(["-c", CUSTODIAN, program]).stdin(until).stdout(Stdio::piped()).process_group(0);
        let custodian = shell.spawn().context("start sh")?;
        drop(shell); // Our copy of the end of its stdin is in it.
        let mut folder = Folder { path: PathBuf::new(), custodian, keep: Some(keep) };
        let mut path = Vec::new();
        let told = folder.custodian.stdout.take().map_or(Ok(0), |mut stdout| stdout.read_to_end(&mut path));
        told.context("wait for a folder")?;
        folder.path = OsString::from_vec(path).into();
        ensure!(!folder.path.as_os_str().is_empty(), "no folder can be made in {}", env::temp_dir().display());
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it, with all that is in it.
    pub fn remove(mut self) -> anyhow::Result<()> {
        self.end()
    }

    fn end(&mut self) -> anyhow::Result<()> {
        if self.keep.take().is_none() {
            return Ok(());
        }
        let end = self.custodian.wait().context("wait for sh")?;
        // What went wrong it has said itself.
        ensure!(end.success() || self.path.as_os_str().is_empty(), "{} is not removed", self.path.display());
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            complain(&error);
        }
    }
}
