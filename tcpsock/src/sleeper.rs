//! A thread that makes a call in which it has to wait: that it sleeps, the kernel says, and no clock has to.
//!
//! Go: a goroutine that blocks. Man: proc_pid_stat(5).

use std::fmt::Debug;
use std::thread::JoinHandle;

use anyhow::{anyhow, bail};
use shared::linux::sleeper::{self, Task};

/// A thread that was seen asleep in a call.
#[derive(Debug)]
pub struct Sleeper<T> {
    thread: JoinHandle<anyhow::Result<T>>,
    task: Task,
}

impl<T: Debug + Send + 'static> Sleeper<T> {
    /// Has a thread make a call, and returns once it sleeps in it.
    pub fn in_call(call: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> anyhow::Result<Sleeper<T>> {
        let (thread, task) = sleeper::start(Task::current, call)?;
        Sleeper { thread, task }.asleep()
    }

    /// Returns once it sleeps, in whatever call; if it ends instead, why.
    pub fn asleep(self) -> anyhow::Result<Sleeper<T>> {
        if self.task.sleeps()? {
            return Ok(self);
        }
        bail!("a call that should wait returned {:?}", self.awake()?)
    }

    /// What the call returned.
    pub fn awake(self) -> anyhow::Result<T> {
        self.thread.join().map_err(|_| anyhow!("the sleeping thread panicked"))?
    }
}
