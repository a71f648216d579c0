//! Where a socket's file stands: its folder, held open, and its name in it. So it is found from any working
//! directory, and after the folder has been moved.
//!
//! Man: open(2) (O_PATH), fstatat(2), unlinkat(2).

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::linux::readiness::restart;

#[derive(Debug)]
pub struct Place {
    pub folder: OwnedFd,
    pub name: OsString,
    /// As it was given.
    pub path: PathBuf,
}

/// What stands at a place: two looks that are equal saw the same file.
#[derive(Debug, PartialEq)]
pub struct Found {
    device: u64,
    inode: u64,
    pub is_socket: bool,
    pub owner: u32,
}

impl Place {
    pub fn of(path: &Path) -> io::Result<Place> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Looking up names in it takes no permission to list them.
        let folder = open(folder, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        // A path that ends in `..` or is `/` names a folder.
        let name = path.file_name().unwrap_or(".".as_ref()).to_owned();
        Ok(Place { folder, name, path: path.to_owned() })
    }

    pub fn look(&self) -> io::Result<Option<Found>> {
        match fstatat(&self.folder, self.name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
            Ok(file) => Ok(Some(Found {
                device: file.st_dev,
                inode: file.st_ino,
                is_socket: SFlag::from_bits_truncate(file.st_mode) & SFlag::S_IFMT == SFlag::S_IFSOCK,
                owner: file.st_uid,
            })),
        }
    }

    pub fn unlink(&self) -> io::Result<()> {
        restart(|| match unlinkat(&self.folder, self.name.as_os_str(), UnlinkatFlags::NoRemoveDir) {
            Err(Errno::ENOENT) => Ok(()),
            result => Ok(result?),
        })
    }
}
