//! The file of a Unix socket: born with mode 0600, replaced only when no socket is bound to it, removed
//! only by the process that made it.
//!
//! - Where no file stands in the way, bind(2) itself decides between two servers that start at the same time.
//! - Where one does, the [`Lock`] is held from the look at the file until another one is bound in its place.
//! - SIGKILL leaves the file behind; the next start replaces it.
//!
//! Go: `net.Listen("unix", …)`, which unlinks on Close. Man: unix(7), bind(2), unlinkat(2).

mod lock;
mod place;

use std::ffi::OsStr;
use std::io;
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::libc;
use nix::sys::stat::{Mode, fchmod};
use socket2::{Domain, SockAddr, Socket, Type};

use super::address::unix_address;
use crate::linux::network::Network;
use crate::linux::readiness::restart;
use crate::linux::stdio::complain;
use lock::Lock;
use place::{Found, Place};

/// The socket files of this process, for an end that runs no destructors: see [`remove_all`]. The lock is held from
/// before a file is made until it is listed here, and from before it is taken out until it is removed, so that the
/// thread of a signal finds all files.
static FILES: Mutex<Vec<Arc<Made>>> = Mutex::new(Vec::new());

/// A socket's file, removed when dropped if it is still the one that was made.
#[derive(Debug)]
pub struct SocketFile(Arc<Made>);

#[derive(Debug)]
struct Made {
    place: Place,
    file: Found,
}

impl SocketFile {
    /// Where it was made.
    pub fn path(&self) -> &Path {
        &self.0.place.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let mut files = files();
        files.retain(|file| !Arc::ptr_eq(file, &self.0));
        self.0.remove();
    }
}

/// Removes the files of all sockets, for a process that then ends at once: afterwards none can be made.
pub fn remove_all() {
    let mut files = files();
    files.drain(..).for_each(|file| file.remove());
    mem::forget(files);
}

fn files() -> MutexGuard<'static, Vec<Arc<Made>>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Made {
    fn remove(&self) {
        if let Err(error) = self.remove_if_ours() {
            complain(&anyhow::Error::new(error).context(format!("remove {}", self.place.path.display())));
        }
    }

    /// Leaves alone another file that stands there by now. The lock is needed because the socket may be closed already:
    /// a server that starts would take the file for stale and replace it between our look and our removal.
    fn remove_if_ours(&self) -> io::Result<()> {
        if self.stands()? {
            // On a full disk there is no lock; the file is removed all the same.
            let _lock = Lock::of(&self.place);
            if self.stands()? {
                return self.place.unlink();
            }
        }
        Ok(())
    }

    fn stands(&self) -> io::Result<bool> {
        Ok(self.place.look()?.as_ref() == Some(&self.file))
    }
}

pub(super) fn bind_and_listen(
    network: Network,
    address: &OsStr,
    backlog: i32,
) -> io::Result<(Socket, Option<SocketFile>)> {
    let name = unix_address(address)?;
    let socket = network.socket(Domain::UNIX)?;
    socket.set_nonblocking(true)?;
    let file = name.as_pathname().map(|path| make(&socket, &name, path)).transpose()?;
    if file.is_none() {
        socket.bind(&name)?;
    }
    socket.listen(backlog)?;
    Ok((socket, file))
}

/// Once the file exists, a step that fails removes it again.
fn make(socket: &Socket, name: &SockAddr, path: &Path) -> io::Result<SocketFile> {
    let place = Place::of(path)?;
    // bind(2) gives the file the mode of the socket.
    fchmod(socket, Mode::S_IRUSR | Mode::S_IWUSR)?;
    let mut files = files();
    bind(socket, name, &place)?;
    let found = place.look().and_then(|found| found.ok_or_else(|| io::ErrorKind::NotFound.into()));
    let file = found.or_else(|error| place.unlink().and(Err(error)))?;
    let made = Arc::new(Made { place, file });
    files.push(Arc::clone(&made));
    Ok(SocketFile(made))
}

fn bind(socket: &Socket, name: &SockAddr, place: &Place) -> io::Result<()> {
    match restart(|| socket.bind(name)) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => replace(socket, name, place),
        bound => bound,
    }
}

/// Removes a stale socket file, to which no socket is bound, and nothing else; binds in its place.
fn replace(socket: &Socket, name: &SockAddr, place: &Place) -> io::Result<()> {
    let _lock = Lock::of(place)?;
    let before = place.look()?;
    // The kernel runs one bind(2) in a folder at a time. When this one returns, whoever was making the file that we
    // saw has bound to it: a file without a socket stays without.
    match restart(|| socket.bind(name)) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
        bound => return bound,
    }
    if before.as_ref().is_some_and(|file| !file.is_socket) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "exists and is not a socket"));
    }
    if is_bound(name)? {
        return Err(io::Error::from_raw_os_error(libc::EADDRINUSE));
    }
    if before.is_some() && place.look()? == before {
        place.unlink()?;
    }
    restart(|| socket.bind(name))
}

/// Whether a socket is bound to the file, listening or not. A datagram socket asks: to another type the kernel
/// answers EPROTOTYPE, so that no server ever sees a connection that only wanted to know.
fn is_bound(name: &SockAddr) -> io::Result<bool> {
    let probe = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    match restart(|| probe.connect(name)) {
        Ok(()) => Ok(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::ECONNREFUSED | libc::ENOENT) => Ok(false),
            // Of another type, or a datagram socket that takes messages from one peer only.
            Some(libc::EPROTOTYPE | libc::EPERM) => Ok(true),
            _ => Err(error),
        },
    }
}
