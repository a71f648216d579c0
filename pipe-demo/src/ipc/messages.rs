//! A pipe forgets where a write ended, a message queue keeps it.
//!
//! Note: "管道（用以被传送子节流），消息队列（用以被传送结构化的消息对象）". Go: `os.Pipe`. Man: pipe(7),
//! mq_overview(7).

use std::io::{self, Read, Write};

use anyhow::Context;
use shared::harness::claims::{Check, Seen};

use super::queue::Queue;

pub const CHECKS: &[Check] = &[(2, bytes_or_messages)];

const SENT: [&[u8]; 2] = [b"one", b"three"];

fn bytes_or_messages() -> anyhow::Result<Seen> {
    let (mut reader, mut writer) = io::pipe().context("pipe")?;
    let queue = Queue::new()?;
    for message in SENT {
        writer.write_all(message).context("write the pipe")?;
        queue.send(message)?;
    }
    let mut buffer = [0; 64];
    let read = reader.read(&mut buffer).context("read the pipe")?;
    let received = [queue.receive()?, queue.receive()?];
    let as_noted = buffer[..read] == SENT.concat() && received == SENT;
    let lengths = |[one, other]: [usize; 2]| format!("{one} and {other}");
    let (sent, received) = (lengths(SENT.map(<[u8]>::len)), lengths(received.map(|message| message.len())));
    let evidence = format!("sent {sent} bytes: a pipe gave {read} at once, a queue {received}");
    Ok(Seen::holds(as_noted, evidence))
}
