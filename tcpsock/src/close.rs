//! How a connection ends: in order, by half, or with a reset; and what wakes whoever waits on it.
//!
//! Note: Read方法 (io.EOF), Close方法. Go: `net.Conn.Close`, `net.TCPConn.CloseWrite`. Man: close(2),
//! shutdown(2), recv(2), tcp(7), SO_LINGER in socket(7).

pub mod descriptor;

use std::io;
use std::net::Shutdown;
use std::os::fd::IntoRawFd;
use std::time::Duration;

use anyhow::Context;
use nix::sys::socket::{MsgFlags, recv};
use nix::unistd::close;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;

use crate::experiment::{self, Noted, noted};
use crate::loopback::{connection, wait_for_error};
use crate::sleeper::Sleeper;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub timeout: experiment::Timeout,
}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&the_rest_comes_before_the_end()?)?;
    out.pairs(&a_half_closed_connection_is_half_open()?)?;
    out.pairs(&unread_data_make_it_a_reset()?)?;
    out.pairs(&so_does_a_linger_of_zero()?)?;
    out.pairs(&the_first_write_to_nobody_succeeds()?)?;
    out.pairs(&descriptor::the_number_of_a_closed_socket()?)?;
    out.pairs(&descriptor::two_numbers_of_one_socket()?)?;
    out.pairs(&close_wakes_no_reader()?)?;
    out.pairs(&shutdown_wakes_a_reader()?)
}

/// The peer has sent something, and closed.
#[derive(Serialize)]
#[serde(tag = "step", rename = "eof")]
pub struct Eof {
    pub sent: usize,
    pub reads: Vec<usize>,
    #[serde(flatten)]
    noted: Noted,
}

// ANCHOR: eof
pub fn the_rest_comes_before_the_end() -> anyhow::Result<Eof> {
    let (ours, theirs) = connection()?;
    let sent = theirs.write(b"tail")?;
    drop(theirs);
    let reads = (0..3).map(|_| ours.read(&mut [0; 16])).collect::<anyhow::Result<_>>()?;
    Ok(Eof { sent, reads, noted: noted("EOF at once", 180) })
}
// ANCHOR_END: eof

/// The client has shut down its sending half.
#[derive(Serialize)]
#[serde(tag = "step", rename = "half-close")]
pub struct HalfClose {
    pub read: usize,
    pub sent_after_eof: usize,
    pub received: usize,
    #[serde(flatten)]
    noted: Noted,
}

// ANCHOR: half
pub fn a_half_closed_connection_is_half_open() -> anyhow::Result<HalfClose> {
    let (client, server) = connection()?;
    client.shutdown(Shutdown::Write)?;
    let read = server.read(&mut [0; 16])?;
    let sent_after_eof = server.write(b"still here\t")?;
    let received = client.read(&mut [0; 16])?;
    Ok(HalfClose { read, sent_after_eof, received, noted: noted("after EOF the connection is useless", 181) })
}
// ANCHOR_END: half

/// The peer has closed with bytes that it has not read.
#[derive(Serialize)]
#[serde(tag = "step", rename = "unread")]
pub struct Reset {
    unread_at_close: usize,
    pub read: Outcome,
    #[serde(flatten)]
    noted: Noted,
}

pub fn unread_data_make_it_a_reset() -> anyhow::Result<Reset> {
    let (ours, theirs) = connection()?;
    ours.write(b"unread")?;
    let unread_at_close = theirs.peek()?;
    drop(theirs);
    Ok(Reset { unread_at_close, read: ours.try_read()?, noted: noted("the peer has closed: EOF", 180) })
}

#[derive(Serialize)]
#[serde(tag = "step", rename = "linger-0")]
struct Linger {
    read: Outcome,
    #[serde(flatten)]
    noted: Noted,
}

fn so_does_a_linger_of_zero() -> anyhow::Result<Linger> {
    let (ours, theirs) = connection()?;
    theirs.socket.set_linger(Some(Duration::ZERO)).context("SO_LINGER")?;
    drop(theirs);
    Ok(Linger { read: ours.try_read()?, noted: noted("the peer has closed: EOF", 180) })
}

#[derive(Serialize)]
#[serde(tag = "step", rename = "write")]
struct Writes {
    read: usize,
    first_write: Outcome,
    second_write: Outcome,
}

fn the_first_write_to_nobody_succeeds() -> anyhow::Result<Writes> {
    let (ours, theirs) = connection()?;
    drop(theirs);
    let read = ours.read(&mut [0; 16])?;
    let first_write = ours.try_write(b"anybody there?")?;
    // The host's answer to it, a reset, is on its way.
    wait_for_error(&ours)?;
    Ok(Writes { read, first_write, second_write: ours.try_write(b"anybody there?")? })
}

#[derive(Serialize)]
#[serde(tag = "step", rename = "close")]
struct Close {
    blocked_read: Outcome,
    next_read: Outcome,
    #[serde(flatten)]
    noted: Noted,
}

// ANCHOR: wake
/// The call holds the connection open: it goes on, and even receives what is sent after the close.
fn close_wakes_no_reader() -> anyhow::Result<Close> {
    let (ours, theirs) = connection()?;
    let fd = ours.socket.into_raw_fd();
    let read = move || Outcome::of(recv(fd, &mut [0; 16], MsgFlags::empty()).map_err(io::Error::from)).context("recv");
    let reader = Sleeper::in_call(move || Ok((read()?, read()?)))?;
    close(fd).context("close")?;
    // Nothing is opened until the second read has been made: nothing else gets that number meanwhile.
    theirs.write(b"late")?;
    let (blocked_read, next_read) = reader.awake()?;
    Ok(Close { blocked_read, next_read, noted: noted("close ends a blocked read at once", 188) })
}

fn shutdown_wakes_a_reader() -> anyhow::Result<ShutdownBoth> {
    let (ours, _theirs) = connection()?;
    let same = ours.duplicate()?;
    let reader = Sleeper::in_call(move || ours.try_read())?;
    same.shutdown(Shutdown::Both)?;
    Ok(ShutdownBoth { blocked_read: reader.awake()? })
}
// ANCHOR_END: wake

#[derive(Serialize)]
#[serde(tag = "step", rename = "shutdown")]
struct ShutdownBoth {
    blocked_read: Outcome,
}
