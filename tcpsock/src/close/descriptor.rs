//! A socket's number: one of several perhaps, and of no use once it is closed.
//!
//! Note: Socket的基本特征 (文件描述符), Close方法. Go: `net.TCPConn.File`, `net.ErrClosed`. Man: socket(2), dup(2),
//! close(2), SO_COOKIE in socket(7).

use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};

use anyhow::Context;
use nix::sys::socket::{MsgFlags, recv, send};
use nix::unistd::close;
use shared::linux::answer::Outcome;

use crate::experiment::record;
use crate::loopback::{End, connection};

// Descriptors, and what the kernel calls the sockets behind them.
record!(
    "dup",
    Duplicate {
        fd: i32,
        cookie: u64,
        double_fd: i32,
        double_cookie: u64,
        peer_fd: i32,
        peer_cookie: u64,
        sent_after_close: usize,
        received_after_close: usize,
    }
);

/// The kernel's own number for a socket, its cookie, is the same by both; one of them may be closed.
pub fn two_numbers_of_one_socket() -> anyhow::Result<Duplicate> {
    let (ours, theirs) = connection()?;
    let double = ours.duplicate()?;
    let [fd, double_fd, peer_fd] = [&ours, &double, &theirs].map(|end| end.socket.as_raw_fd());
    let cookie = |end: &End| end.socket.cookie().context("SO_COOKIE");
    let (cookie, double_cookie, peer_cookie) = (cookie(&ours)?, cookie(&double)?, cookie(&theirs)?);
    drop(ours);
    let sent_after_close = double.write(b"still open")?;
    let received_after_close = theirs.read(&mut [0; 16])?;
    Ok(Duplicate { fd, cookie, double_fd, double_cookie, peer_fd, peer_cookie, sent_after_close, received_after_close })
}

record!("closed", Closed { read: Outcome, write: Outcome, close: Outcome });

/// Rust's types know no socket that is closed: only its bare number can still be used.
pub fn the_number_of_a_closed_socket() -> anyhow::Result<Closed> {
    let (ours, _theirs) = connection()?;
    let fd = ours.socket.into_raw_fd();
    close(fd).context("close")?;
    let outcome = |call: &'static str, result: nix::Result<usize>| {
        Outcome::of(result.map_err(io::Error::from)).with_context(|| format!("{call} of a closed descriptor"))
    };
    Ok(Closed {
        read: outcome("recv", recv(fd, &mut [0; 16], MsgFlags::empty()))?,
        write: outcome("send", send(fd, b"late", MsgFlags::MSG_NOSIGNAL))?,
        close: outcome("close", close(fd).map(|()| 0))?,
    })
}
