//! stdout and the files of `--tee`: each gets every byte until it fails, and one that fails does not stop the others.
//!
//! Nothing happens to a file before the first writer has come: what a file holds stays, and a new one has no name yet
//! (O_TMPFILE). So whoever waits in vain, whatever ends it, leaves all as it was.
//!
//! Man: tee(1), O_TMPFILE in open(2), linkat(2), and SIGXFSZ in setrlimit(2).

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::libc::O_TMPFILE;
use nix::sys::signal::{SigHandler, Signal};
use nix::unistd::linkat;
use shared::linux::failure::Failure;
use shared::linux::signals;
use shared::linux::stdio;

use crate::fifo;
use crate::outlet::{Outlet, is_broken_pipe};
use crate::patience::Patience;

pub struct Outputs {
    files: Vec<Outlet>,
    nameless: Vec<Nameless>,
    append: bool,
    stdout: Option<Outlet>,
    bytes: u64,
    failed: bool,
}

impl Outputs {
    /// All of them, or none is written to.
    pub fn open(tee: &[PathBuf], append: bool, patience: Patience) -> anyhow::Result<Outputs> {
        ignore_file_size_signal()?;
        let stdout = Some(Outlet::stdout()?);
        let (files, nameless) = (Vec::new(), Vec::new());
        let mut outputs = Outputs { files, nameless, append, stdout, bytes: 0, failed: false };
        for path in tee {
            match open(path, append, patience) {
                Err(error)
                    if error.downcast_ref().is_some_and(|error: &io::Error| error.kind() == ErrorKind::NotFound) =>
                {
                    outputs.nameless.push(Nameless::make(path, append)?);
                }
                file => outputs.files.push(file?),
            }
        }
        Ok(outputs)
    }

    /// Somebody has come, if only to leave again: now the files are cut, and the new ones get their names.
    pub fn begin(&mut self) -> anyhow::Result<()> {
        for file in self.nameless.drain(..) {
            self.files.push(file.name(self.append)?);
        }
        if self.append { Ok(()) } else { self.files.iter().try_for_each(Outlet::cut) }
    }

    /// How many bytes came.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Fails when nobody is left to write to. The files come first: what stdout has, they have.
    #[inline]
    pub fn write_all(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.bytes += bytes.len() as u64;
        let failed = &mut self.failed;
        self.files.retain(|file| file.write_all(bytes).map_err(|error| report_failure(&error, failed)).is_ok());
        match self.stdout.as_ref().map(|stdout| stdout.write_all(bytes)) {
            // As in any pipeline: who reads stdout decides how long it goes on.
            Some(Err(error)) if is_broken_pipe(&error) => {
                return Err(if self.failed { Failure::AlreadySaid } else { Failure::ReaderGone }.into());
            }
            Some(Err(error)) => {
                report_failure(&error, &mut self.failed);
                self.stdout = None;
            }
            Some(Ok(())) | None => {}
        }
        if self.stdout.is_none() && self.files.is_empty() { Err(Failure::AlreadySaid.into()) } else { Ok(()) }
    }

    pub fn close(mut self) -> anyhow::Result<()> {
        for file in self.files.drain(..) {
            file.close().unwrap_or_else(|error| report_failure(&error, &mut self.failed));
        }
        if self.failed { Err(Failure::AlreadySaid.into()) } else { Ok(()) }
    }
}

#[cold]
fn report_failure(error: &anyhow::Error, failed: &mut bool) {
    stdio::complain(error);
    *failed = true;
}

fn writable(append: bool) -> OpenOptions {
    OpenOptions::new().write(true).append(append).clone()
}

/// What exists.
fn open(path: &Path, append: bool, patience: Patience) -> anyhow::Result<Outlet> {
    if fs::metadata(path).is_ok_and(|file| file.file_type().is_fifo()) {
        return fifo::open_writer(path, patience);
    }
    let name = path.display().to_string();
    let file = fifo::open_within(path, &writable(append), patience, "")?;
    Ok(Outlet::new(file, &name))
}

/// A file to be, in the folder where it will have its name. Where the file system knows no such files there is none yet.
struct Nameless {
    path: PathBuf,
    file: Option<File>,
}

impl Nameless {
    fn make(path: &Path, append: bool) -> anyhow::Result<Nameless> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = match writable(append).custom_flags(O_TMPFILE).open(folder) {
            Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => None,
            file => Some(file.with_context(|| format!("open {}", path.display()))?),
        };
        Ok(Nameless { path: path.to_owned(), file })
    }

    /// Or the file that has got the name meanwhile.
    fn name(self, append: bool) -> anyhow::Result<Outlet> {
        let link = |file: &File| {
            let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
            linkat(AT_FDCWD, unnamed.as_str(), AT_FDCWD, &self.path, AtFlags::AT_SYMLINK_FOLLOW).is_ok()
        };
        let file = match self.file.filter(link) {
            Some(file) => file,
            None => writable(append)
                .create(true)
                .open(&self.path)
                .with_context(|| format!("open {}", self.path.display()))?,
        };
        Ok(Outlet::new(file, &self.path.display().to_string()))
    }
}

/// A FIFO that is fed its own bytes never ends.
pub fn refuse_loop(fifo: &Path, tee: &[PathBuf]) -> Result<(), Failure> {
    let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    match tee.iter().find(|path| identity(path) == identity(fifo)) {
        Some(path) => Err(Failure::Usage(format!("--tee {}: is the FIFO to read from", path.display()))),
        None => Ok(()),
    }
}

/// A file that reaches the limit of `ulimit -f` is an error (EFBIG), and must not end us.
fn ignore_file_size_signal() -> anyhow::Result<()> {
    signals::set(Signal::SIGXFSZ, SigHandler::SigIgn).context("ignore SIGXFSZ")
}
