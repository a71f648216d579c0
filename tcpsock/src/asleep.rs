//! A thread that sleeps in a call, by the kernel's word: so an experiment knows that it blocks, and waits for
//! that without guessing how long it takes.
//!
//! Note: Close方法 (a call that blocks). Go: a goroutine that is parked. Man: /proc/tid/stat in proc(5).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow};
use shared::report::Failure;

pub struct Sleeper<T> {
    thread: JoinHandle<T>,
    /// Its folder in /proc.
    task: PathBuf,
}

impl<T: Send + 'static> Sleeper<T> {
    /// Has a thread make a call, and returns once it sleeps in it.
    pub fn in_call(call: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<Sleeper<T>> {
        let (tell, told) = mpsc::channel();
        let thread = thread::Builder::new().spawn(move || {
            // Told or not, the call is made.
            let _ = tell.send(fs::read_link("/proc/thread-self"));
            call()
        })?;
        let task = told.recv()?.map_err(|error| Failure::CannotShow(format!("/proc/thread-self: {error}")))?;
        let sleeper = Sleeper { thread, task: Path::new("/proc").join(task) };
        sleeper.wait_for_sleep()?;
        Ok(sleeper)
    }

    /// Returns once it sleeps, in whatever call.
    pub fn wait_for_sleep(&self) -> anyhow::Result<()> {
        while !self.sleeps()? {
            thread::yield_now();
        }
        Ok(())
    }

    /// Whether the kernel says so: `S` behind the name in `/proc/PID/task/TID/stat`.
    fn sleeps(&self) -> anyhow::Result<bool> {
        let file = self.task.join("stat");
        let stat = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        Ok(stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S')))
    }

    /// What the call returned.
    pub fn awake(self) -> anyhow::Result<T> {
        self.thread.join().map_err(|_| anyhow!("the sleeping thread panicked"))
    }
}
