//! Writes of more than the kernel buffers: partial, then `EAGAIN`, then an event when there is room again.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (部分写), Write方法. Go: `net.Conn.Write`, which loops. Man: send(2), epoll(7).

use anyhow::{Context, bail};
use mio::{Interest, Poll, Token};
use serde::Serialize;
use shared::linux::failure::Failure;
use shared::linux::readiness::{self, Ready};
use socket2::Socket;

use super::call::{Call, Name, Seen};
use super::epoll::{next_events, watch};
use super::{Tell, set_nonblocking};
use crate::experiment::{Noted, noted};

/// How much the kernel is asked to hold on each side.
const BUFFER: usize = 64 << 10;
/// How much is written: far more than fits.
const MESSAGE: usize = 1 << 20;

const READER: Token = Token(0);
const WRITER: Token = Token(1);

#[derive(Serialize)]
#[serde(tag = "event", rename = "WRITABLE")]
pub struct Event {
    when: String,
    #[serde(flatten)]
    noted: Noted,
}

/// Of the whole message.
#[derive(Serialize)]
pub struct Total {
    sent: usize,
    received: usize,
    intact: bool,
    writable_events: u32,
}

/// Each end works until `EAGAIN` before the next wait: then whatever moves next makes an edge.
pub fn write_what_fits(writer: &Socket, reader: &Socket, tell: &mut Tell<'_>) -> anyhow::Result<()> {
    set_nonblocking(reader)?;
    reader.set_recv_buffer_size(BUFFER).context("SO_RCVBUF")?;
    writer.set_send_buffer_size(BUFFER).context("SO_SNDBUF")?;
    let message: Vec<u8> = (0..MESSAGE).map(|n| n.to_le_bytes()[n % 3]).collect();
    let mut sent = write_until_eagain(writer, &message, "nobody reads", &mut *tell)?;
    if sent == message.len() {
        return Err(Failure::CannotShow(format!("the kernel buffers {MESSAGE} bytes")).into());
    }

    let mut poll = Poll::new().context("epoll_create")?;
    watch(&poll, reader, READER, Interest::READABLE)?;
    watch(&poll, writer, WRITER, Interest::WRITABLE)?;
    let (mut received, mut writable_events) = (Vec::with_capacity(MESSAGE), 0);
    while received.len() < message.len() {
        for event in &next_events(&mut poll)? {
            if event.token() == READER {
                read_until_eagain(reader, &mut received)?;
                continue;
            }
            writable_events += 1;
            if writable_events == 1 {
                let when = format!("the peer has read {} bytes", received.len());
                tell(Seen::Event(Event { when, noted: noted("try again a little later", 173) }))?;
            }
            sent += write_until_eagain(writer, &message[sent..], "there is room again", |call| {
                if writable_events == 1 { tell(call) } else { Ok(()) }
            })?;
        }
    }
    tell(Seen::Total(Total { sent, received: received.len(), intact: received == message, writable_events }))
}

// ANCHOR: write
/// Writes until all of `bytes` is written or the kernel takes no more, and tells `each` call.
fn write_until_eagain(
    socket: &Socket,
    bytes: &[u8],
    when: &'static str,
    mut each: impl FnMut(Seen) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    let mut sent = 0;
    while sent < bytes.len() {
        let rest = &bytes[sent..];
        let result = readiness::write(socket, rest).context("write, the server's end")?;
        each(Seen::Call(Call::new(Name::Write, rest.len(), &result, when)))?;
        match result {
            Ready::Done(count) => sent += count,
            Ready::NotYet => break,
        }
    }
    Ok(sent)
}
// ANCHOR_END: write

fn read_until_eagain(socket: &Socket, received: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut buffer = [0; 8192];
    loop {
        match readiness::read(socket, &mut buffer).context("read, the client's end")? {
            Ready::Done(0) => bail!("read, the client's end: unexpected EOF"),
            Ready::Done(count) => received.extend_from_slice(&buffer[..count]),
            Ready::NotYet => return Ok(()),
        }
    }
}
