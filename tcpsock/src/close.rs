//! How a connection ends: in order, by half, or with a reset; and what wakes whoever waits on it.
//!
//! Note: Read方法 (io.EOF), Close方法. Go: `net.Conn.Close`, `net.TCPConn.CloseWrite`. Man: close(2),
//! shutdown(2), recv(2), tcp(7), SO_LINGER in socket(7).

use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::IntoRawFd;
use std::time::Duration;

use nix::sys::socket::{MsgFlags, recv};
use nix::unistd::close;
use serde_json::{Value, json};
use shared::harness::claims::{Check, Seen, seen};
use shared::harness::report::Report;

use crate::asleep::Sleeper;
use crate::descriptor;
use crate::experiment::{self, connection, returned, wait_for_error};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub options: experiment::Options,
}

pub const CHECKS: &[Check] = &[(180, eof_at_once), (181, eof_makes_it_useless)];

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

// ANCHOR: eof
fn the_rest_comes_before_the_end() -> anyhow::Result<Value> {
    let (mut ours, mut theirs) = connection()?;
    let sent = theirs.write(b"tail")?;
    drop(theirs);
    let reads = (0..3).map(|_| ours.read(&mut [0; 16])).collect::<io::Result<Vec<_>>>()?;
    Ok(json!({
        "step": "eof", "sent": sent, "reads": reads,
        "note": "EOF at once", "claim": 180,
    }))
}
// ANCHOR_END: eof

// ANCHOR: half
fn a_half_closed_connection_is_half_open() -> anyhow::Result<Value> {
    let (mut client, mut server) = connection()?;
    client.shutdown(Shutdown::Write)?;
    let end = server.read(&mut [0; 16])?;
    let sent = server.write(b"still here\t")?;
    let received = client.read(&mut [0; 16])?;
    Ok(json!({
        "step": "half-close", "read": end, "sent_after_eof": sent, "received": received,
        "note": "after EOF the connection is useless", "claim": 181,
    }))
}
// ANCHOR_END: half

fn eof_makes_it_useless() -> anyhow::Result<Seen> {
    let half = a_half_closed_connection_is_half_open()?;
    Ok(Seen::imprecise(half["read"] == 0, half["sent_after_eof"] == half["received"], seen(&half)))
}

fn unread_data_make_it_a_reset() -> anyhow::Result<Value> {
    let (mut ours, theirs) = connection()?;
    ours.write_all(b"unread")?;
    let unread = theirs.peek(&mut [MaybeUninit::uninit(); 16])?;
    drop(theirs);
    let read = ours.read(&mut [0; 16]);
    Ok(json!({
        "step": "unread", "unread_at_close": unread, "read": returned(&read)?,
        "note": "the peer has closed: EOF", "claim": 180,
    }))
}

fn eof_at_once() -> anyhow::Result<Seen> {
    let (rest, unread) = (the_rest_comes_before_the_end()?, unread_data_make_it_a_reset()?);
    let as_noted = rest["reads"] == json!([rest["sent"], 0, 0]);
    Ok(Seen::imprecise(as_noted, unread["read"] == "ECONNRESET", format!("{}; {}", seen(&rest), seen(&unread))))
}

fn so_does_a_linger_of_zero() -> anyhow::Result<Value> {
    let (mut ours, theirs) = connection()?;
    theirs.set_linger(Some(Duration::ZERO))?;
    drop(theirs);
    let read = ours.read(&mut [0; 16]);
    Ok(json!({"step": "linger-0", "read": returned(&read)?, "note": "the peer has closed: EOF", "claim": 180}))
}

fn the_first_write_to_nobody_succeeds() -> anyhow::Result<Value> {
    let (mut ours, theirs) = connection()?;
    drop(theirs);
    let end = ours.read(&mut [0; 16])?;
    let first = ours.write(b"anybody there?");
    // The host's answer to it, a reset, is on its way.
    wait_for_error(&ours)?;
    let second = ours.write(b"anybody there?");
    Ok(json!({"step": "write", "read": end, "first_write": returned(&first)?, "second_write": returned(&second)?}))
}

// ANCHOR: wake
/// The call holds the connection open: it goes on, and even receives what is sent after the close.
fn close_wakes_no_reader() -> anyhow::Result<Value> {
    let (ours, mut theirs) = connection()?;
    let fd = ours.into_raw_fd();
    let read = move || recv(fd, &mut [0; 16], MsgFlags::empty()).map_err(io::Error::from);
    let reader = Sleeper::in_call(move || (read(), read()))?;
    close(fd)?;
    // Nothing is opened until the second read was made: nothing else gets that number meanwhile.
    theirs.write_all(b"late")?;
    let (blocked, next) = reader.awake()?;
    Ok(json!({
        "step": "close", "blocked_read": returned(&blocked)?, "next_read": returned(&next)?,
        "note": "close ends a blocked read at once", "claim": 188,
    }))
}

fn shutdown_wakes_a_reader() -> anyhow::Result<Value> {
    let (mut ours, _theirs) = connection()?;
    let same = ours.try_clone()?;
    let reader = Sleeper::in_call(move || ours.read(&mut [0; 16]))?;
    same.shutdown(Shutdown::Both)?;
    let blocked = reader.awake()?;
    Ok(json!({"step": "shutdown", "blocked_read": returned(&blocked)?}))
}
// ANCHOR_END: wake
