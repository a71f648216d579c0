//! A socket's number: one of many perhaps, and of no use once it is closed.
//!
//! Note: Socket的基本特征 (文件描述符), Close方法. Go: `net.TCPConn.File`, `net.ErrClosed`. Man: socket(2), dup(2),
//! close(2), SO_COOKIE in socket(7).

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, IntoRawFd};

use nix::sys::socket::{MsgFlags, recv, send};
use nix::unistd::close;
use serde_json::{Value, json};
use shared::harness::claims::{Check, Seen, seen};
use socket2::Socket;

use crate::experiment::{connection, returned};

pub const CHECKS: &[Check] = &[(155, the_number_is_unique), (187, every_call_fails_after_close)];

/// The kernel's own number for a socket, its cookie, is the same by both; one of them may be closed.
pub fn two_numbers_of_one_socket() -> anyhow::Result<Value> {
    let (ours, mut theirs) = connection()?;
    let mut double = ours.try_clone()?;
    let [fd, double_fd, peer_fd] = [&ours, &double, &theirs].map(Socket::as_raw_fd);
    let [cookie, double_cookie, peer_cookie] = [&ours, &double, &theirs].map(Socket::cookie);
    drop(ours);
    double.write_all(b"still open")?;
    let received = theirs.read(&mut [0; 16])?;
    Ok(json!({
        "step": "dup", "fd": fd, "cookie": cookie?, "double_fd": double_fd, "double_cookie": double_cookie?,
        "peer_fd": peer_fd, "peer_cookie": peer_cookie?, "received_after_close": received,
        "note": "one number a socket", "claim": 155,
    }))
}

fn the_number_is_unique() -> anyhow::Result<Seen> {
    let dup = two_numbers_of_one_socket()?;
    let as_noted = dup["fd"] != dup["peer_fd"] && dup["cookie"] != dup["peer_cookie"];
    let exception = dup["fd"] != dup["double_fd"] && dup["cookie"] == dup["double_cookie"];
    let evidence = format!(
        "descriptors {} and {} have the SO_COOKIE {} and {}, the peer's {} has {}; the first closed, {} bytes came",
        dup["fd"],
        dup["double_fd"],
        dup["cookie"],
        dup["double_cookie"],
        dup["peer_fd"],
        dup["peer_cookie"],
        dup["received_after_close"],
    );
    Ok(Seen::imprecise(as_noted, exception && dup["received_after_close"] == 10, evidence))
}

/// Rust's types know no socket that is closed: only its bare number can still be used.
pub fn the_number_of_a_closed_socket() -> anyhow::Result<Value> {
    let (ours, _theirs) = connection()?;
    let fd = ours.into_raw_fd();
    close(fd)?;
    let read = recv(fd, &mut [0; 16], MsgFlags::empty()).map_err(io::Error::from);
    let written = send(fd, b"late", MsgFlags::MSG_NOSIGNAL).map_err(io::Error::from);
    let closed = close(fd).map(|()| 0).map_err(io::Error::from);
    Ok(json!({
        "step": "closed", "read": returned(&read)?, "write": returned(&written)?, "close": returned(&closed)?,
    }))
}

fn every_call_fails_after_close() -> anyhow::Result<Seen> {
    let closed = the_number_of_a_closed_socket()?;
    Ok(Seen::holds(["read", "write", "close"].iter().all(|call| closed[call] == "EBADF"), seen(&closed)))
}
