//! What each type keeps: three writes, a flood of numbers that nobody reads at first, and the writer's end.
//!
//! Note: Socket的基本特征 (the table of types). Go: "udp", "ip", "unixpacket", "tcp". Man: socket(2), udp(7), raw(7),
//! unix(7), tcp(7).

use anyhow::ensure;
use serde::Serialize;
use shared::linux::failure::if_shown;
use shared::linux::readiness::Ready;
use socket2::Type;

use super::layout::NOT_SEEN;
use crate::loopback::{End, connection, udp};
use crate::raw;
use crate::udp::loss::{FLOOD, flood};

/// What three writes, a flood and a close came to.
#[derive(Serialize)]
pub struct Seen {
    pub reads: Vec<String>,
    pub sent: usize,
    pub received: usize,
    pub in_order: bool,
    /// Whether the reader learns that the writer has gone.
    end: bool,
    connected: bool,
}

/// A row of the table: its name, and what is told in a cell of it.
type Feature = (&'static str, fn(&Seen) -> String);

pub const FEATURES: [Feature; 5] = [
    ("数据形式", |seen| if seen.keeps_messages() { "messages" } else { "bytes" }.to_owned()),
    ("数据边界", |seen| if seen.keeps_messages() { "kept" } else { "not kept" }.to_owned()),
    ("逻辑边界", |seen| if seen.end { "the connection's end" } else { "no end" }.to_owned()),
    ("数据有序性", |seen| match (seen.in_order, seen.connected) {
        (true, true) => "in order".to_owned(),
        (true, false) => format!("in order, disorder {NOT_SEEN}"),
        (false, _) => "out of order".to_owned(),
    }),
    ("传输可靠性", |seen| format!("{} of {} came", seen.received, seen.sent)),
];

pub const WRITES: [&str; 3] = ["one", "two", "three"];

/// `None` where there is no such socket.
pub fn observe(kind: Type) -> anyhow::Result<Option<Seen>> {
    let Some((writer, reader)) = if_shown(pair(kind))? else { return Ok(None) };
    let header = if kind == Type::RAW { raw::HEADER } else { 0 };
    let reads = three_writes(&writer, &reader, header)?;
    let connected = reader.socket.peer_addr().is_ok();
    let (numbers, _) = flood(&writer, &reader, header, FLOOD)?;
    drop(writer);
    // Of a connection the end is certain to come, elsewhere nothing is to come.
    reader.called("fcntl O_NONBLOCK", reader.socket.set_nonblocking(!connected))?;
    let end = reader.read_now(&mut [0; 64])? == Ready::Done(0);
    let in_order = numbers.is_sorted_by(|one, next| one < next);
    Ok(Some(Seen { reads, sent: FLOOD, received: numbers.len(), in_order, end, connected }))
}

impl Seen {
    fn keeps_messages(&self) -> bool {
        self.reads == WRITES
    }
}

/// A writer and a reader, which have a connection where the type has any.
fn pair(kind: Type) -> anyhow::Result<(End, End)> {
    let (writer, reader) = match kind {
        Type::STREAM => return connection(),
        Type::SEQPACKET => return End::pair(kind),
        Type::RAW => raw::ends()?,
        _ => (udp()?, udp()?),
    };
    writer.connect(&reader.address()?)?;
    Ok((writer, reader))
}

/// What each read returns once all is there: of a stream, all bytes; of messages, the first.
pub fn three_writes(writer: &End, reader: &End, header: usize) -> anyhow::Result<Vec<String>> {
    for text in WRITES {
        writer.write(text.as_bytes())?;
    }
    let mut left = WRITES.concat().len();
    reader.peek_all(left)?;
    let mut reads = Vec::new();
    while left > 0 {
        let mut buffer = [0; 64];
        let count = reader.read(&mut buffer)?;
        let payload = buffer[..count].get(header..).unwrap_or_default();
        ensure!(!payload.is_empty(), "read: an empty message");
        reads.push(String::from_utf8_lossy(payload).into_owned());
        left = left.saturating_sub(payload.len());
    }
    Ok(reads)
}
