//! stdout and the files of `--tee`: each gets every byte until it fails, and one that fails does not stop the others.
//!
//! Man: tee(1), and SIGXFSZ in setrlimit(2).

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use nix::sys::signal::{SigHandler, Signal};
use shared::linux::failure::Failure;
use shared::linux::signals;
use shared::linux::stdio;

use crate::fifo;
use crate::outlet::{Outlet, is_broken_pipe};
use crate::patience::Patience;

pub struct Outputs {
    files: Vec<Outlet>,
    stdout: Option<Outlet>,
    bytes: u64,
    failed: bool,
}

impl Outputs {
    /// All of them, or none is written to.
    pub fn open(tee: &[PathBuf], patience: Patience) -> anyhow::Result<Outputs> {
        ignore_file_size_signal()?;
        let files = tee.iter().map(|path| open(path, patience)).collect::<anyhow::Result<_>>()?;
        let stdout = io::stdout().as_fd().try_clone_to_owned().context("dup stdout")?;
        Ok(Outputs { files, stdout: Some(Outlet::new(stdout, "stdout")), bytes: 0, failed: false })
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
            _ => {}
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

fn open(path: &Path, patience: Patience) -> anyhow::Result<Outlet> {
    if fs::metadata(path).is_ok_and(|file| file.file_type().is_fifo()) {
        return fifo::open_writer(path, patience);
    }
    let name = path.display().to_string();
    let file = fifo::open_within(path, OpenOptions::new().write(true).create(true).truncate(true), patience, "")?;
    Ok(Outlet::new(file, &name))
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
