//! The kinds of IPC that the note lists, and others that Linux has: by each a process tells its child
//! that it is there.
//!
//! Note: Golang笔记-多进程编程理论 ("基于通讯的IPC方法、基于信号的IPC方法以及基于同步的IPC方法"). Go: `os.Pipe`, `os/signal`, `net`.
//! Man: pipe(7), mq_overview(7), shm_overview(7), signal(7), sem_overview(7); unix(7), eventfd(2), futex(2),
//! F_GETLK in fcntl(2).

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use anyhow::Context;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sched::sched_yield;
use nix::sys::eventfd::EventFd;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Pid, getpid};
use serde::Serialize;
use shared::linux::failure::Failure;

use super::queue::Queue;
use super::semaphore::Semaphore;
use crate::futex;
use shared::linux::child::{Children, end_of, exit_code, wait_for};
use shared::linux::memory::SharedMemory;

/// A kind of IPC: whether the note lists it, and whether a child learned from its parent by it.
#[derive(Clone, Copy)]
pub struct Kind {
    name: &'static str,
    in_the_note: bool,
    learn: fn() -> anyhow::Result<bool>,
}

pub const KINDS: [Kind; 9] = [
    listed("pipe", pipe),
    listed("message queue", message_queue),
    listed("shared memory", shared_memory),
    listed("signal", signal),
    listed("semaphore", semaphore),
    Kind { in_the_note: false, ..listed("Unix socket", unix_socket) },
    Kind { in_the_note: false, ..listed("eventfd", eventfd) },
    Kind { in_the_note: false, ..listed("futex", wait_in_futex) },
    Kind { in_the_note: false, ..listed("file lock", file_lock) },
];

const fn listed(name: &'static str, learn: fn() -> anyhow::Result<bool>) -> Kind {
    Kind { name, in_the_note: true, learn }
}

#[derive(Serialize)]
pub struct Observed {
    pub kind: &'static str,
    pub in_the_note: bool,
    pub works: Option<bool>,
    /// Why it cannot be seen on this kernel.
    pub not_seen_here: Option<String>,
}

pub fn observe(kind: Kind) -> anyhow::Result<Observed> {
    let Kind { name, in_the_note, learn } = kind;
    let observed = |works, not_seen_here| Observed { kind: name, in_the_note, works, not_seen_here };
    match learn() {
        Ok(works) => Ok(observed(Some(works), None)),
        Err(error) => match error.downcast_ref() {
            Some(Failure::CannotShow(why)) => Ok(observed(None, Some(why.clone()))),
            _ => Err(error.context(name)),
        },
    }
}

/// This process tells its child, which ends by whether it learned: whoever fails, nobody waits for ever.
fn between(
    tell: impl FnOnce(Pid) -> anyhow::Result<()>,
    learn: impl FnOnce() -> anyhow::Result<bool>,
) -> anyhow::Result<bool> {
    const SOMETHING_ELSE: u8 = 2;
    let children = Children::helpers();
    let child = children.fork(|| match learn() {
        Ok(false) => SOMETHING_ELSE,
        learned => exit_code(learned.map(drop)),
    })?;
    tell(child)?;
    let is_wrong = end_of(child)?.code() == Some(SOMETHING_ELSE.into());
    if is_wrong { Ok(false) } else { wait_for(child).map(|()| true) }
}

fn pipe() -> anyhow::Result<bool> {
    let (reader, writer) = io::pipe().context("pipe")?;
    stream(reader, writer)
}

fn unix_socket() -> anyhow::Result<bool> {
    let (ours, theirs) = UnixStream::pair().context("socketpair")?;
    stream(ours, theirs)
}

fn stream(mut reader: impl Read, mut writer: impl Write) -> anyhow::Result<bool> {
    let mut byte = [0];
    between(
        |_| writer.write_all(b"!").context("write"),
        || {
            reader.read_exact(&mut byte).context("read")?;
            Ok(byte == *b"!")
        },
    )
}

fn message_queue() -> anyhow::Result<bool> {
    let queue = Queue::new()?;
    between(|_| queue.send(b"!"), || Ok(queue.receive()? == b"!"))
}

fn shared_memory() -> anyhow::Result<bool> {
    let word = SharedMemory::new(AtomicU32::new(0))?;
    between(
        |_| {
            word.store(1, SeqCst);
            Ok(())
        },
        || {
            while word.load(SeqCst) == 0 {
                sched_yield().context("sched_yield")?;
            }
            Ok(true)
        },
    )
}

fn signal() -> anyhow::Result<bool> {
    let set = SigSet::from(Signal::SIGUSR1);
    set.thread_block().context("block SIGUSR1")?; // In the child, too.
    between(
        |child| kill(child, Signal::SIGUSR1).context("kill"),
        || Ok(set.wait().context("sigwait")? == Signal::SIGUSR1),
    )
}

fn semaphore() -> anyhow::Result<bool> {
    let semaphore = Semaphore::shared()?;
    between(|_| semaphore.post(), || semaphore.wait().map(|()| true))
}

fn eventfd() -> anyhow::Result<bool> {
    let event = EventFd::new().context("eventfd")?;
    between(|_| event.write(7).map(drop).context("write"), || Ok(event.read().context("read")? == 7))
}

fn wait_in_futex() -> anyhow::Result<bool> {
    let word = SharedMemory::new(AtomicU32::new(0))?;
    let tell = |_| {
        word.store(1, SeqCst);
        futex::wake(&word).context("futex")
    };
    between(tell, || {
        while word.load(SeqCst) == 0 {
            futex::wait(&word, 0).context("futex")?;
        }
        Ok(true)
    })
}

/// Whoever asks for a lock is told who has it.
fn file_lock() -> anyhow::Result<bool> {
    let (file, holder) = (memfd_create("lock", MFdFlags::MFD_CLOEXEC).context("memfd_create")?, getpid().as_raw());
    let lock = |_| fcntl(&file, FcntlArg::F_SETLK(&whole_file())).map(drop).context("F_SETLK");
    between(lock, || {
        loop {
            let mut found = whole_file();
            fcntl(&file, FcntlArg::F_GETLK(&mut found)).context("F_GETLK")?;
            if found.l_type == whole_file().l_type {
                return Ok(found.l_pid == holder);
            }
            sched_yield().context("sched_yield")?;
        }
    })
}

#[allow(clippy::cast_possible_truncation, reason = "for libc it is of int, struct flock has short")]
fn whole_file() -> libc::flock {
    libc::flock { l_type: libc::F_WRLCK as libc::c_short, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 }
}
