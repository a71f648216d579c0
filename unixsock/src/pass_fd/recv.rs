//! The side that gets the file. Others may connect only to see whether somebody is there, or say nothing.
//!
//! Note: Socket的基本特征 (AF_UNIX). Go: `syscall.ParseUnixRights`. Man: SCM_RIGHTS in unix(7), recvmsg(2), cmsg(3).

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IoSliceMut, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use shared::harness::ready;
use shared::linux::failure::call_failed;
use shared::linux::network::Network;
use shared::linux::readiness::{Ready, await_any, nonblocking};
use shared::linux::stdio::escaped;
use shared::linux::{endpoint, shutdown};
use socket2::Socket;

/// At least one byte must travel with a descriptor; and back, when it has arrived.
pub const BYTE: [u8; 1] = [0];

/// The most descriptors that one message carries (SCM_MAX_FD). The control buffer has room for all of
/// them: from one that is too small the kernel installs those that fit, and nobody would close them.
const MOST: usize = 253;

/// Listens on `address` until one sender has come. The socket's file is gone when this returns.
pub fn receive_on(address: &OsStr, ready: &ready::Args, deadline: Instant) -> anyhow::Result<File> {
    shutdown::abort_on_signals(endpoint::remove_socket_files)?;
    let listener = endpoint::listen(Network::Unix, address, 1, 1)?;
    // stdout is for the file; a script waits for this line before it lets the sender start.
    ready.waiting(format_args!("unix {}", escaped(address.as_encoded_bytes())));
    receive_first(listener.sockets, deadline)
        .map_err(|error| call_failed(&format!("receive {}", address.display()), error))
}

/// The file of whoever sends first.
fn receive_first(mut sockets: Vec<Socket>, deadline: Instant) -> io::Result<File> {
    loop {
        // The first is the one that listens.
        let nth = next_readable(&sockets, deadline)?;
        if nth == 0 {
            if let Ready::Done((peer, _)) = nonblocking("accept", &sockets[0], || sockets[0].accept())? {
                sockets.push(peer);
            }
        } else if let Some(file) = receive(&sockets[nth])? {
            (&sockets[nth]).write_all(&BYTE)?;
            return Ok(file);
        } else {
            sockets.swap_remove(nth);
        }
    }
}

/// The last of the `sockets` that can be read, as soon as one can.
fn next_readable(sockets: &[Socket], deadline: Instant) -> io::Result<usize> {
    let mut fds: Vec<_> = sockets.iter().map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
    await_any(&mut fds, Some(deadline))?;
    fds.iter().rposition(|fd| fd.any() == Some(true)).ok_or_else(|| io::Error::other("poll: no event"))
}

/// Every descriptor that came has an owner before anything can fail; the first is the file. None if the peer has gone.
fn receive(socket: &Socket) -> io::Result<Option<File>> {
    // ANCHOR: receive
    let (mut byte, mut control) = (BYTE, nix::cmsg_space!([RawFd; MOST]));
    let mut parts = [IoSliceMut::new(&mut byte)];
    // It has come already, so no signal interrupts a wait for it.
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let mut files = Vec::new();
    // SAFETY: the kernel has just made them for us, and nobody else knows them.
    #[allow(unsafe_code, reason = "nix hands out received descriptors as plain numbers")]
    let owned = |descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) };
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(descriptors) = control {
            files.extend(descriptors.into_iter().map(owned));
        }
    }
    // ANCHOR_END: receive
    match files.into_iter().next() {
        Some(first) => Ok(Some(first.into())),
        None if message.bytes == 0 => Ok(None),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "no descriptor came with the message")),
    }
}
