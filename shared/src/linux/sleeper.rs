//! A process or a thread seen asleep: /proc says so, and no clock has to.
//!
//! Man: proc_pid_stat(5), proc_pid_syscall(5).

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{self, Receiver};
use std::thread::{JoinHandle, Scope, ScopedJoinHandle, yield_now};

use anyhow::Context;
use nix::libc;
use nix::unistd::{Pid, getpid};

use crate::linux::failure::Failure;
use crate::linux::thread;

/// A process or a thread: its `stat`, opened while it was there.
#[derive(Debug)]
pub struct Task(File);

impl Task {
    /// Of a process.
    pub fn process(pid: Pid) -> anyhow::Result<Task> {
        check_proc()?;
        Ok(Task(open(&format!("/proc/{pid}/stat"))?))
    }

    /// The thread that asks.
    pub fn current() -> anyhow::Result<Task> {
        Ok(Task(open("/proc/thread-self/stat")?))
    }

    /// Waits until it is asleep (true) or has ended (false).
    pub fn sleeps(&self) -> anyhow::Result<bool> {
        comes_to(&self.0, |stat| Ok(state(stat) == Some('S')))
    }
}

/// The system calls of a thread: its `syscall`. The thread must open the file itself: others may not be allowed to,
/// once it is about to end.
#[derive(Debug)]
pub struct Calls {
    syscall: File,
    task: Task,
}

impl Calls {
    /// Of the thread that asks.
    pub fn current() -> anyhow::Result<Calls> {
        Ok(Calls { syscall: open("/proc/thread-self/syscall")?, task: Task::current()? })
    }

    /// Waits until the thread is asleep in `call`, which it makes once (true), or has ended (false).
    pub fn sleeps_in(&self, call: libc::c_long) -> anyhow::Result<bool> {
        let call = call.to_string();
        let is_in = |line: &str| line.split(' ').next() == Some(&call);
        // `syscall` also tells the call of a thread that waits for a lock of the kernel's, or for a debugger.
        comes_to(&self.syscall, |line| {
            Ok(is_in(line)
                && look(&self.task.0)?.is_some_and(|stat| state(&stat) == Some('S'))
                && look(&self.syscall)?.is_some_and(|line| is_in(&line)))
        })
    }
}

fn open(path: &str) -> anyhow::Result<File> {
    File::open(path).map_err(|error| Failure::CannotShow(format!("open {path}: {error}")).into())
}

/// Reads until the task is in that state, or has ended.
fn comes_to(file: &File, is_so: impl Fn(&str) -> anyhow::Result<bool>) -> anyhow::Result<bool> {
    while let Some(text) = look(file)? {
        if is_so(&text)? {
            return Ok(true);
        }
        if matches!(state(&text), Some('Z' | 'X')) {
            break;
        }
        yield_now();
    }
    Ok(false)
}

/// What the file says now; `None` once the task has ended.
fn look(file: &File) -> anyhow::Result<Option<String>> {
    let mut buffer = [0; 1024];
    match file.read_at(&mut buffer, 0) {
        Ok(0) => Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(None),
        count => Ok(Some(String::from_utf8_lossy(&buffer[..count.context("read /proc")?]).into_owned())),
    }
}

/// /proc may be missing, or that of another PID namespace, where our PIDs mean others or nobody.
pub fn check_proc() -> anyhow::Result<()> {
    match fs::read_link("/proc/self") {
        Ok(link) if link.as_os_str() == getpid().to_string().as_str() => Ok(()),
        Ok(_) => Err(Failure::CannotShow("/proc is that of another PID namespace".into()).into()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            Err(Failure::CannotShow(format!("read /proc/self: {error}")).into())
        }
        Err(error) => Err(error).context("read /proc/self"),
    }
}

/// Behind the name, in parentheses, which may hold anything.
fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Starts a thread that makes a call in which it may fall asleep.
pub fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    call: impl FnOnce() -> T + Send + 'scope,
) -> anyhow::Result<(ScopedJoinHandle<'scope, T>, Task)> {
    Task::current()?; // Or it might sleep where nobody sees it.
    let (call, told) = telling(Task::current, call);
    let thread = thread::spawn_scoped(scope, call)?;
    Ok((thread, told.recv()??))
}

/// The same for a thread that may outlive its owner. `open` is [`Task::current`] or [`Calls::current`].
pub fn start<T: Send + 'static, O: Send + 'static>(
    open: fn() -> anyhow::Result<O>,
    call: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<(JoinHandle<T>, O)> {
    let (call, told) = telling(open, call);
    let thread = thread::spawn(call)?;
    Ok((thread, told.recv()??))
}

/// `call`, before which its thread opens what tells of it, and where that can be received.
fn telling<T, O>(
    open: fn() -> anyhow::Result<O>,
    call: impl FnOnce() -> T,
) -> (impl FnOnce() -> T, Receiver<anyhow::Result<O>>) {
    let (tell, told) = mpsc::channel();
    let opens_first = move || {
        // Told or not, the call is made.
        let _ = tell.send(open());
        call()
    };
    (opens_first, told)
}
