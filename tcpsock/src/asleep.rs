//! A thread that sleeps in a call, by the kernel's word: so an experiment knows that it blocks, and waits for
//! that without guessing how long it takes.
//!
//! Note: Close方法 (a call that blocks). Go: a goroutine that is parked. Man: proc_pid_stat(5).

use std::fmt::Debug;
use std::sync::mpsc;
use std::thread::JoinHandle;

use anyhow::{anyhow, bail, ensure};
use shared::linux::sleeper::Task;
use shared::linux::thread::spawn;

pub struct Sleeper<T> {
    thread: JoinHandle<T>,
    task: Task,
}

impl<T: Debug + Send + 'static> Sleeper<T> {
    /// Has a thread make a call, and returns once it sleeps in it.
    pub fn in_call(call: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<Sleeper<T>> {
        let (tell, told) = mpsc::channel();
        let thread = spawn(move || {
            // Told or not, the call is made.
            let _ = tell.send(Task::current());
            call()
        })?;
        let sleeper = Sleeper { thread, task: told.recv()?? };
        if sleeper.task.sleeps()? {
            return Ok(sleeper);
        }
        bail!("a call that should wait returned {:?}", sleeper.awake()?)
    }

    /// Returns once it sleeps, in whatever call.
    pub fn wait_for_sleep(&self) -> anyhow::Result<()> {
        ensure!(self.task.sleeps()?, "a thread ended that should have slept");
        Ok(())
    }

    /// What the call returned.
    pub fn awake(self) -> anyhow::Result<T> {
        self.thread.join().map_err(|_| anyhow!("the sleeping thread panicked"))
    }
}
