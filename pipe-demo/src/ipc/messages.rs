//! A pipe forgets where a write ended, a message queue keeps it.
//!
//! Note: Golang笔记-多进程编程理论 ("管道（用以被传送子节流），消息队列（用以被传送结构化的消息对象）"). Go: `os.Pipe`. Man: pipe(7),
//! mq_overview(7).

use std::io::{self, Read, Write};

use anyhow::Context;
use serde::Serialize;

use super::queue::Queue;

const SENT: [&[u8]; 2] = [b"one", b"three"];

/// Two messages: how many bytes each has, a read of a pipe brings, a queue gives.
#[derive(Serialize)]
pub struct Messages {
    pub sent_sizes: [usize; 2],
    pub from_pipe: usize,
    pub from_queue: [usize; 2],
    pub unchanged: bool,
}

pub fn through_both() -> anyhow::Result<Messages> {
    let (mut reader, mut writer) = io::pipe().context("pipe")?;
    let queue = Queue::new()?;
    // ANCHOR: messages
    for message in SENT {
        writer.write_all(message).context("write the pipe")?;
        queue.send(message)?;
    }
    let mut buffer = [0; 64];
    let from_pipe = reader.read(&mut buffer).context("read the pipe")?;
    let received = [queue.receive()?, queue.receive()?];
    // ANCHOR_END: messages
    let unchanged = SENT.concat().starts_with(&buffer[..from_pipe]) && received == SENT;
    let from_queue = received.map(|message| message.len());
    Ok(Messages { sent_sizes: SENT.map(<[u8]>::len), from_pipe, from_queue, unchanged })
}
