//! That somebody waits, seen: the kernel says so in /proc, and no clock has to.
//!
//! Man: proc_pid_stat(5), proc_pid_syscall(5).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::{self, Scope, ScopedJoinHandle};

use anyhow::Context;
use nix::errno::Errno;
use nix::unistd::{Pid, getpid};
use shared::report::Failure;

/// A process or a thread, as /proc knows it.
#[derive(Debug)]
pub struct Task(PathBuf);

impl Task {
    pub fn process(pid: Pid) -> anyhow::Result<Task> {
        check_proc()?;
        Ok(Task(format!("/proc/{pid}").into()))
    }

    /// The thread that asks.
    pub fn current() -> anyhow::Result<Task> {
        match fs::read_link("/proc/thread-self") {
            Ok(task) => Ok(Task(Path::new("/proc").join(task))),
            Err(error) => Err(Failure::CannotShow(format!("read /proc/thread-self: {error}")).into()),
        }
    }

    /// Whether it falls asleep; otherwise it ends.
    pub fn sleeps(&self) -> anyhow::Result<bool> {
        self.comes_to("stat", |stat| state(stat) == Some('S'))
    }

    /// Whether it falls asleep in this system call. Only of a thread of ours may everybody ask that.
    pub fn sleeps_in(&self, call: libc::c_long) -> anyhow::Result<bool> {
        self.comes_to("syscall", |line| line.split(' ').next() == Some(&call.to_string()))
    }

    fn comes_to(&self, file: &str, is_so: impl Fn(&str) -> bool) -> anyhow::Result<bool> {
        let path = self.0.join(file);
        loop {
            match fs::read_to_string(&path) {
                Ok(text) if is_so(&text) => return Ok(true),
                Ok(text) if matches!(state(&text), Some('Z' | 'X')) => return Ok(false),
                Ok(_) => thread::yield_now(),
                Err(error) => match error.raw_os_error().map(Errno::from_raw) {
                    Some(Errno::ENOENT | Errno::ESRCH) => return Ok(false),
                    _ => return Err(Failure::CannotShow(format!("read {}: {error}", path.display())).into()),
                },
            }
        }
    }
}

/// /proc may be missing, or that of another PID namespace, where our PIDs are others' or nobody's.
pub fn check_proc() -> anyhow::Result<()> {
    match fs::read_link("/proc/self") {
        Ok(link) if link.as_os_str() == getpid().to_string().as_str() => Ok(()),
        Ok(_) => Err(Failure::CannotShow("/proc is that of another PID namespace".into()).into()),
        Err(error) => Err(Failure::CannotShow(format!("read /proc/self: {error}")).into()),
    }
}

/// Behind the name, in parentheses, which may hold anything.
fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Has a thread make a call in which it may fall asleep.
pub fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    call: impl FnOnce() -> T + Send + 'scope,
) -> anyhow::Result<(ScopedJoinHandle<'scope, T>, Task)> {
    Task::current()?; // Or it might sleep where nobody sees it.
    let (tell, told) = mpsc::channel();
    let thread = thread::Builder::new()
        .spawn_scoped(scope, move || {
            // Told or not, the call is made.
            let _ = tell.send(Task::current());
            call()
        })
        .context("start a thread")?;
    Ok((thread, told.recv()??))
}
