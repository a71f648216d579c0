//! A FIFO opened by its path, with a limit to the wait for the other side.
//!
//! open(2) of a FIFO waits until both sides are there, and knows no timeout. Each side needs another way:
//!
//! - **The reader** opens with O_NONBLOCK, which succeeds at once and lets writers in, and then waits for
//!   an event. epoll and poll report none until the first writer has written or has left again, so a read before
//!   that, which would answer 0 as at the end, never happens.
//! - **The writer** cannot: with O_NONBLOCK open(2) answers ENXIO while nobody reads, and nothing tells of a
//!   reader that comes. (inotify is silent until the reader's open(2) has returned, which is what the reader
//!   needs us for; O_RDWR makes us the reader we wait for, and the bytes go with us when we leave.) So a
//!   thread waits in a blocking open(2), which the kernel ends together with the reader's. Who gives up on it
//!   ends the program, and with it the thread.
//!
//! Note: 管道 (命名管道). Man: fifo(7), open(2).

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;
use shared::linux::answer::Outcome;
use shared::linux::readiness::{Ready, nonblocking, set_nonblocking};

use crate::outlet::Outlet;
use crate::patience::Patience;

/// The read end, which does not block; to wait for an event on it is to wait for a writer.
pub fn open_reader(path: &Path) -> anyhow::Result<File> {
    check_path(path)?;
    let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path);
    let file = file.with_context(|| format!("open {}", path.display()))?;
    check(file.metadata(), path)?;
    Ok(file)
}

/// The write end, once there is a reader.
pub fn open_writer(path: &Path, patience: Patience) -> anyhow::Result<Outlet> {
    check_path(path)?;
    let file = open_within(path, OpenOptions::new().write(true), patience, "a reader of ")?;
    check(file.metadata(), path)?;
    set_nonblocking(&file).with_context(|| format!("fcntl {}", path.display()))?;
    Ok(Outlet::patient(file, &path.display().to_string(), patience))
}

/// open(2), which may wait, for the other side of a FIFO or for a device. In vain, it is for `what` of `path`.
pub fn open_within(path: &Path, how: &OpenOptions, patience: Patience, what: &str) -> anyhow::Result<File> {
    let (owned, how) = (path.to_owned(), how.clone());
    let opened = patience.within(format_args!("{what}{}", path.display()), move || how.open(owned))?;
    opened.with_context(|| format!("open {}", path.display()))
}

/// Fails where `path` is no FIFO: before open(2), which does things to devices.
pub fn check_path(path: &Path) -> anyhow::Result<()> {
    check(fs::metadata(path), path)
}

/// Again after open(2), for the name may stand for another file by then.
fn check(file: io::Result<Metadata>, path: &Path) -> anyhow::Result<()> {
    let file = file.with_context(|| format!("open {}", path.display()))?;
    if !file.file_type().is_fifo() {
        bail!("open {}: not a FIFO", path.display());
    }
    Ok(())
}

/// openat(2), and nothing else.
pub fn open(path: &Path, flags: OFlag) -> anyhow::Result<File> {
    let opened = openat(AT_FDCWD, path, flags | OFlag::O_CLOEXEC, Mode::empty());
    Ok(opened.with_context(|| format!("open {}", path.display()))?.into())
}

/// Opens without waiting for the other side: an experiment knows that it is there.
pub fn open_at_once(path: &Path, flags: OFlag) -> anyhow::Result<File> {
    open(path, flags | OFlag::O_NONBLOCK)
}

/// What one read(2) of at most 16 bytes answers.
pub fn read_once(mut file: &File) -> anyhow::Result<Outcome> {
    Ok(match nonblocking("read", file, || file.read(&mut [0; 16])).context("read the FIFO")? {
        Ready::Done(count) => Outcome::Done(count),
        Ready::NotYet => Outcome::Failed(Errno::EAGAIN),
    })
}
