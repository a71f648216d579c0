//! A lock that decides which of the servers that find a stale socket file may replace it.
//!
//! The lock is on an empty file beside the socket, `.NAME.start-lock`, whose mode 0600 keeps everybody else from opening
//! and so from holding it. The file goes with the lock. Whoever may make files in that folder could put one of their
//! own there, but a file of somebody else's is no lock: then we go on without.
//!
//! Man: fcntl(2) (F_OFD_SETLKW), openat(2).

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use nix::fcntl::{FcntlArg, OFlag, fcntl, openat};
use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::Uid;

use super::place::Place;
use crate::linux::readiness::restart;
use crate::linux::stdio::complain;

pub struct Lock {
    place: Place,
    /// The kernel unlocks it when it is closed, however this process ends.
    _file: File,
}

impl Lock {
    /// Waits while somebody else holds it, for a few system calls. `None` where it cannot be ours.
    pub fn of(socket: &Place) -> io::Result<Option<Lock>> {
        let mut name = OsString::from(".");
        name.push(&socket.name);
        name.push(".start-lock");
        let place = Place { folder: socket.folder.try_clone()?, path: socket.path.with_file_name(&name), name };
        loop {
            let Some(file) = open(&place)? else { return Ok(None) };
            match wait_for(&file) {
                Ok(true) => return Ok(Some(Lock { place, _file: file })),
                Ok(false) => {}
                Err(error) => return place.unlink().and(Err(error)),
            }
        }
    }
}

/// False if the file has lost its name meanwhile: it was the lock of the previous holder.
fn wait_for(file: &File) -> io::Result<bool> {
    restart(|| Ok(fcntl(file.as_fd(), FcntlArg::F_OFD_SETLKW(&whole_file()))?))?;
    Ok(file.metadata()?.nlink() > 0)
}

/// `None` where a file that is no lock of ours has the name.
fn open(place: &Place) -> io::Result<Option<File>> {
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let us = Uid::effective().as_raw();
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    match restart(|| Ok(openat(&place.folder, place.name.as_os_str(), flags, mode)?)) {
        Ok(file) => {
            let (file, is_lock) = (File::from(file), |of: &Metadata| of.uid() == us && of.is_file() && of.len() == 0);
            Ok(is_lock(&file.metadata()?).then_some(file))
        }
        Err(_) if place.look()?.is_some_and(|found| found.owner != us) => Ok(None),
        Err(error) => Err(error),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the C library's constants are ints, its fields shorts")]
fn whole_file() -> libc::flock {
    let (l_type, l_whence) = (libc::F_WRLCK as libc::c_short, libc::SEEK_SET as libc::c_short);
    libc::flock { l_type, l_whence, l_start: 0, l_len: 0, l_pid: 0 }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.place.unlink() {
            complain(&anyhow::Error::new(error).context(format!("remove {}", self.place.path.display())));
        }
    }
}
