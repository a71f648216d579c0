//! How a connection ends: in order, by half, or with a reset; and what wakes whoever waits on it.
//!
//! Note: Read方法 (io.EOF), Close方法. Go: `net.Conn.Close`, `net.TCPConn.CloseWrite`, `net.TCPConn.File`. Man: close(2),
//! shutdown(2), dup(2), recv(2), tcp(7), SO_LINGER and SO_COOKIE in socket(7).

use std::net::Shutdown;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::time::Duration;

use anyhow::Context;
use nix::sys::socket::{MsgFlags, recv, send};
use nix::unistd::close;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;

pub use crate::experiment::Args;
use crate::experiment::{noted, record};
use crate::loopback::{End, connection};
use crate::sleeper::Sleeper;

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&noted(the_rest_comes_before_the_end()?, "EOF at once", 180))?;
    out.pairs(&noted(a_half_closed_connection_is_half_open()?, "after EOF the connection is useless", 181))?;
    out.pairs(&noted(unread_data_make_it_a_reset()?, "the peer has closed: EOF", 180))?;
    out.pairs(&noted(so_does_a_linger_of_zero()?, "the peer has closed: EOF", 180))?;
    out.pairs(&the_first_write_to_nobody_succeeds()?)?;
    out.pairs(&the_number_of_a_closed_socket()?)?;
    out.pairs(&noted(two_numbers_of_one_socket()?, "one number a socket", 155))?;
    out.pairs(&noted(close_wakes_no_reader()?, "close ends a blocked read at once", 188))?;
    out.pairs(&shutdown_wakes_a_reader()?)
}

// The peer has sent something, and closed.
record!("eof", Eof { sent: usize, reads: Vec<usize> });

// ANCHOR: eof
pub fn the_rest_comes_before_the_end() -> anyhow::Result<Eof> {
    let (ours, theirs) = connection()?;
    let sent = theirs.write(b"tail")?;
    drop(theirs);
    let reads = (0..3).map(|_| ours.read(&mut [0; 16])).collect::<anyhow::Result<_>>()?;
    Ok(Eof { sent, reads })
}
// ANCHOR_END: eof

// The client has shut down its sending half.
record!("half-close", HalfClose { read: usize, sent_after_eof: usize, received: usize });

// ANCHOR: half
pub fn a_half_closed_connection_is_half_open() -> anyhow::Result<HalfClose> {
    let (client, server) = connection()?;
    client.shutdown(Shutdown::Write)?;
    let read = server.read(&mut [0; 16])?;
    let sent_after_eof = server.write(b"still here\t")?;
    let received = client.read(&mut [0; 16])?;
    Ok(HalfClose { read, sent_after_eof, received })
}
// ANCHOR_END: half

// The peer has closed with bytes that it has not read.
record!("unread", Reset { unread_at_close: usize, read: Outcome });

pub fn unread_data_make_it_a_reset() -> anyhow::Result<Reset> {
    let (ours, theirs) = connection()?;
    ours.write(b"unread")?;
    let unread_at_close = theirs.peek()?;
    drop(theirs);
    Ok(Reset { unread_at_close, read: ours.try_read()? })
}

record!("linger-0", Linger { read: Outcome });

fn so_does_a_linger_of_zero() -> anyhow::Result<Linger> {
    let (ours, theirs) = connection()?;
    theirs.socket.set_linger(Some(Duration::ZERO)).context("SO_LINGER")?;
    drop(theirs);
    Ok(Linger { read: ours.try_read()? })
}

record!("write", Writes { read: usize, first_write: Outcome, second_write: Outcome });

pub fn the_first_write_to_nobody_succeeds() -> anyhow::Result<Writes> {
    let (ours, theirs) = connection()?;
    drop(theirs);
    let read = ours.read(&mut [0; 16])?;
    let first_write = ours.try_write(b"anybody there?")?;
    // The host's answer to it, a reset, is on its way.
    ours.wait_for_error()?;
    Ok(Writes { read, first_write, second_write: ours.try_write(b"anybody there?")? })
}

// Descriptors, and what the kernel calls the sockets behind them.
record! { "dup", Duplicate {
    fd: i32,
    cookie: u64,
    double_fd: i32,
    double_cookie: u64,
    peer_fd: i32,
    peer_cookie: u64,
    sent_after_close: usize,
    received_after_close: usize,
} }

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

// ANCHOR: closed
/// Rust's types know no socket that is closed: only its bare number can still be used.
pub fn the_number_of_a_closed_socket() -> anyhow::Result<Closed> {
    let (ours, _theirs) = connection()?;
    let fd = ours.socket.into_raw_fd();
    close(fd).context("close")?;
    let outcome = |call: &'static str, result: nix::Result<usize>| {
        Outcome::of(result).with_context(|| format!("{call} of a closed descriptor"))
    };
    Ok(Closed {
        read: outcome("recv", recv(fd, &mut [0; 16], MsgFlags::empty()))?,
        write: outcome("send", send(fd, b"late", MsgFlags::MSG_NOSIGNAL))?,
        close: outcome("close", close(fd).map(|()| 0))?,
    })
}
// ANCHOR_END: closed

record!("close", Close { blocked_read: Outcome, next_read: Outcome });

// ANCHOR: wake
/// The call holds the connection open: it goes on,
/// and even receives what is sent after the close.
fn close_wakes_no_reader() -> anyhow::Result<Close> {
    let (ours, theirs) = connection()?;
    let fd = ours.socket.into_raw_fd();
    let recv = move || recv(fd, &mut [0; 16], MsgFlags::empty());
    let read = move || Outcome::of(recv()).context("recv");
    let reader = Sleeper::in_call(move || Ok((read()?, read()?)))?;
    close(fd).context("close")?;
    // Nothing is opened until the second read has been made:
    // nothing else gets that number meanwhile.
    theirs.write(b"late")?;
    let (blocked_read, next_read) = reader.awake()?;
    Ok(Close { blocked_read, next_read })
}
// ANCHOR_END: wake

fn shutdown_wakes_a_reader() -> anyhow::Result<ShutdownBoth> {
    let (ours, _theirs) = connection()?;
    let same = ours.duplicate()?;
    let reader = Sleeper::in_call(move || ours.try_read())?;
    same.shutdown(Shutdown::Both)?;
    Ok(ShutdownBoth { blocked_read: reader.awake()? })
}

record!("shutdown", ShutdownBoth { blocked_read: Outcome });
