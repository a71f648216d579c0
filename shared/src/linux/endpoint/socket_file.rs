//! The file of a Unix socket: born with mode 0600, replaced only when nobody answers on it, removed
//! only by whom it belongs to.
//!
//! Go: `net.Listen("unix", …)`, which unlinks on Close. Man: unix(7), bind(2).

use std::fs;
use std::io;
use std::mem;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::stat::{Mode, fchmod};
use socket2::{Domain, SockAddr, Socket, Type};

use super::{new_socket, unix_address};
use crate::linux::network::Network;
use crate::linux::readiness::{Ready, nonblocking};

/// The files of this process, for an end that drops nothing: see [`remove_all`]. Locked from before a file is made
/// until it is here, and from before it leaves until it is removed: a signal's thread finds all that there are.
static FILES: Mutex<Vec<Identified>> = Mutex::new(Vec::new());

/// A socket's file, removed when dropped if it is still the one that was made.
#[derive(Debug)]
pub struct SocketFile(Identified);

#[derive(Clone, Debug, PartialEq)]
struct Identified {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn at(path: &Path, files: &mut Vec<Identified>) -> io::Result<SocketFile> {
        // Absolute, so that it is found again from any working directory.
        let path = std::path::absolute(path)?;
        let identity = identity(&path)?;
        let file = Identified { path, identity };
        files.push(file.clone());
        Ok(SocketFile(file))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let mut files = files();
        files.retain(|file| *file != self.0);
        self.0.remove();
    }
}

/// Removes the files of all sockets, for a process that then ends at once: from now on none can be made.
pub fn remove_all() {
    let mut files = files();
    files.drain(..).for_each(|file| file.remove());
    mem::forget(files);
}

fn files() -> MutexGuard<'static, Vec<Identified>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Identified {
    /// Removes the file, unless it has gone or another one stands there by now.
    fn remove(&self) {
        let removed = match identity(&self.path) {
            Ok(found) if found == self.identity => fs::remove_file(&self.path),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        if let Err(error) = removed {
            crate::harness::report::narrate(format_args!("remove {}: {error}", self.path.display()));
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Between two servers that start on one path at the same time, the lock decides: it is held from
/// before the look at the file until the socket listens, for before that it would seem dead.
pub(super) fn bind_and_listen(
    network: Network,
    address: &str,
    backlog: i32,
) -> io::Result<(Socket, Option<SocketFile>)> {
    let name = unix_address(address)?;
    let socket = new_socket(Domain::UNIX, network)?;
    socket.set_nonblocking(true)?;
    let Some(path) = name.as_pathname() else {
        socket.bind(&name)?;
        socket.listen(backlog)?;
        return Ok((socket, None));
    };
    // bind(2) gives the file the mode of the socket.
    fchmod(&socket, Mode::S_IRUSR | Mode::S_IWUSR)?;
    let _lock = lock(path)?;
    let mut files = files();
    if let Err(error) = socket.bind(&name) {
        if error.kind() != io::ErrorKind::AddrInUse {
            return Err(error);
        }
        remove_if_stale(path, &name)?;
        socket.bind(&name)?;
    }
    let file = SocketFile::at(path, &mut files)?;
    drop(files);
    socket.listen(backlog)?;
    Ok((socket, Some(file)))
}

/// A lock that leaves no file and that the kernel releases when its holder dies: an abstract name made
/// of the folder's identity and the file's name.
fn lock(path: &Path) -> io::Result<Socket> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = fs::metadata(folder)?;
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    // The name of a file may be longer than an address: its hash is enough to tell two apart.
    let mut hash = std::hash::DefaultHasher::new();
    std::hash::Hash::hash(&file, &mut hash);
    let name = format!("\0lock-{:x}-{:x}-{:x}", folder.dev(), folder.ino(), std::hash::Hasher::finish(&hash));
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    socket.bind(&SockAddr::unix(name)?)?;
    Ok(socket)
}

/// Removes a socket's file that nobody answers on, and nothing else.
fn remove_if_stale(path: &Path, name: &SockAddr) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if !found.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "exists and is not a socket"));
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    match nonblocking("connect", &probe.as_raw_fd(), || probe.connect(name).map(|()| 0usize)) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        // Connected, a full backlog, or a socket of another type: somebody is there.
        Ok(Ready::Done(_) | Ready::NotYet) => Err(io::Error::from_raw_os_error(nix::libc::EADDRINUSE)),
        Err(error) if error.raw_os_error() == Some(nix::libc::EPROTOTYPE) => {
            Err(io::Error::from_raw_os_error(nix::libc::EADDRINUSE))
        }
        Err(error) => Err(error),
    }
}
