//! Writes of more than the kernel buffers: partial, then `EAGAIN`, then an event when there is room again.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (部分写), Write方法. Go: `net.Conn.Write`, which loops. Man: send(2), epoll(7).

use anyhow::bail;
use mio::{Interest, Token};
use serde::Serialize;
use shared::linux::failure::Failure;
use shared::linux::readiness::Ready;

use super::call::{Call, Name, Seen, Tell};
use super::epoll::Events;
use crate::loopback::End;

/// How much the kernel is asked to hold on each side.
const BUFFER: usize = 64 << 10;
/// How much is written: far more than fits.
const MESSAGE: usize = 1 << 20;

#[derive(Serialize)]
#[serde(tag = "event", rename = "WRITABLE")]
pub struct Event {
    when: String,
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
pub fn write_what_fits(writer: &End, reader: &End, tell: &mut Tell<'_>) -> anyhow::Result<()> {
    const READER: Token = Token(0);
    reader.set_nonblocking()?;
    reader.called("SO_RCVBUF", reader.socket.set_recv_buffer_size(BUFFER))?;
    writer.called("SO_SNDBUF", writer.socket.set_send_buffer_size(BUFFER))?;
    let message: Vec<u8> = (0..MESSAGE).map(|n| n.to_le_bytes()[n % 3]).collect();
    let mut sent = write_until_eagain(writer, &message, "nobody reads", &mut *tell)?;
    if sent == message.len() {
        return Err(Failure::CannotShow(format!("the kernel buffers {MESSAGE} bytes")).into());
    }

    let mut events = Events::of(&[(reader, Interest::READABLE), (writer, Interest::WRITABLE)])?;
    let (mut received, mut writable_events) = (Vec::with_capacity(MESSAGE), 0);
    while received.len() < message.len() {
        for event in events.next()? {
            if event.token() == READER {
                read_until_eagain(reader, &mut received)?;
                continue;
            }
            writable_events += 1;
            if writable_events == 1 {
                tell(Seen::Event(Event { when: format!("the peer has read {} bytes", received.len()) }))?;
            }
            sent += write_until_eagain(writer, &message[sent..], "there is room again", |call| {
                if writable_events == 1 { tell(call) } else { Ok(()) }
            })?;
        }
    }
    tell(Seen::Total(Total { sent, received: received.len(), intact: received == message, writable_events }))
}

/// Writes until all of `bytes` is written or the kernel takes no more, and tells `each` call.
fn write_until_eagain(
    writer: &End,
    bytes: &[u8],
    when: &'static str,
    mut each: impl FnMut(Seen) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    // ANCHOR: write
    let mut sent = 0;
    while sent < bytes.len() {
        let rest = &bytes[sent..];
        let result = writer.write_now(rest)?;
        each(Seen::Call(Call::new(Name::Write, rest.len(), &result, when)))?;
        match result {
            Ready::Done(count) => sent += count,
            Ready::NotYet => break,
        }
    }
    Ok(sent)
    // ANCHOR_END: write
}

fn read_until_eagain(reader: &End, received: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut buffer = [0; 8192];
    loop {
        match reader.read_now(&mut buffer)? {
            Ready::Done(0) => bail!("read, the client's end: unexpected EOF"),
            Ready::Done(count) => received.extend_from_slice(&buffer[..count]),
            Ready::NotYet => return Ok(()),
        }
    }
}
