//! The side that has the file: its descriptor goes with one byte, and a byte comes back when it has arrived.
//!
//! Note: Socket的基本特征 (AF_UNIX). Go: `syscall.UnixRights`. Man: SCM_RIGHTS in unix(7), sendmsg(2).

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IoSlice, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use shared::cube_roots::client::DeadlineSocket;
use shared::linux::failure::call_failed;
use shared::linux::network::Network;
use shared::linux::readiness::restart;
use shared::linux::{endpoint, handover};
use socket2::Socket;

use super::deadline::by;
use super::recv::BYTE;

/// Hands `file`, which it opens, or descriptor `fd` to whoever listens on `address`.
pub fn send(address: &OsStr, file: Option<&Path>, fd: Option<RawFd>, deadline: Instant) -> anyhow::Result<()> {
    let inherited = fd.map(handover::inherited).transpose()?;
    let opened = file.map(|file| open_by(deadline, file)).transpose()?;
    let passed = opened.as_ref().map(File::as_fd).or(inherited).context("nothing to send")?;
    let socket = endpoint::dial(Network::Unix, address, deadline.saturating_duration_since(Instant::now()))?;
    pass(socket, passed, deadline).map_err(|error| call_failed(&format!("send {}", address.display()), error))
}

/// open(2) of a FIFO waits for a writer.
fn open_by(deadline: Instant, file: &Path) -> anyhow::Result<File> {
    let what = format!("open {}", file.display());
    let (file, context) = (file.to_owned(), what.clone());
    by(deadline, &what, || File::open(file).context(context))
}

fn pass(socket: Socket, file: BorrowedFd<'_>, deadline: Instant) -> io::Result<()> {
    let rights = [file.as_raw_fd()];
    let message = [ControlMessage::ScmRights(&rights)];
    restart(|| Ok(sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(&BYTE)], &message, MsgFlags::MSG_NOSIGNAL, None)?))?;
    let mut socket = DeadlineSocket::new(socket);
    socket.set_deadline(Some(deadline));
    socket.read_exact(&mut BYTE.clone())
}
