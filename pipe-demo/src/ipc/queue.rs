//! A message queue that only this process and its children have.
//!
//! Note: Golang笔记-多进程编程理论 ("消息队列（用以被传送结构化的消息对象）"). Go: none. Man: mq_overview(7).

use anyhow::Context;
use nix::mqueue::{MQ_OFlag, MqAttr, MqdT, mq_open, mq_receive, mq_send, mq_unlink};
use nix::sys::stat::Mode;
use nix::unistd::getpid;
use shared::linux::failure::Failure;

pub struct Queue(MqdT);

/// More than is sent here.
const LONGEST: i64 = 64;

impl Queue {
    /// Its name is taken away at once: nobody else finds it, and it ends with its processes.
    pub fn new() -> anyhow::Result<Queue> {
        let name = format!("/pipe-demo.{}", getpid());
        let flags = MQ_OFlag::O_RDWR | MQ_OFlag::O_CREAT | MQ_OFlag::O_EXCL;
        let attributes = MqAttr::new(0, 4, LONGEST, 0);
        let queue = mq_open(name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR, Some(&attributes))
            .map_err(|error| Failure::CannotShow(format!("mq_open {name}: {error}")))?;
        mq_unlink(name.as_str()).with_context(|| format!("mq_unlink {name}"))?;
        Ok(Queue(queue))
    }

    pub fn send(&self, message: &[u8]) -> anyhow::Result<()> {
        mq_send(&self.0, message, 0).context("mq_send")
    }

    pub fn receive(&self) -> anyhow::Result<Vec<u8>> {
        let mut buffer = vec![0; usize::try_from(LONGEST)?];
        let count = mq_receive(&self.0, &mut buffer, &mut 0).context("mq_receive")?;
        buffer.truncate(count);
        Ok(buffer)
    }
}
