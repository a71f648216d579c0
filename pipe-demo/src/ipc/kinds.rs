//! The kinds of IPC that the note lists, and others that Linux has: by each a child tells its parent that it
//! is there.
//!
//! Note: "基于通讯的IPC方法、基于信号的IPC方法以及基于同步的IPC方法". Go: `os.Pipe`, `os/signal`, `net`.
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
use nix::unistd::getppid;
use shared::harness::claims::{Check, Seen};
use shared::linux::failure::Failure;

use super::queue::Queue;
use super::semaphore::Semaphore;
use crate::bench::ring::futex;
use shared::linux::child::{Children, wait_for};
use shared::linux::gate::Gate;
use shared::linux::memory::SharedMemory;

pub const CHECKS: &[Check] = &[(1, the_list)];

/// Whether the parent learned from its child by it.
type Kind = (&'static str, fn() -> anyhow::Result<bool>);

const LISTED: [Kind; 5] = [
    ("pipe", pipe),
    ("message queue", message_queue),
    ("shared memory", shared_memory),
    ("signal", signal),
    ("semaphore", semaphore),
];

const NOT_LISTED: [Kind; 4] =
    [("Unix socket", unix_socket), ("eventfd", eventfd), ("futex", wait_in_futex), ("file lock", file_lock)];

fn the_list() -> anyhow::Result<Seen> {
    let [(listed, fail), (others, _)] = [work(&LISTED)?, work(&NOT_LISTED)?];
    let evidence = format!("listed: {}; not listed: {}", listed.join(", "), others.join(", "));
    Ok(Seen::imprecise(fail.is_empty(), !others.is_empty(), evidence))
}

/// Those that work, and those that do not. What this kernel does not have is neither.
fn work(kinds: &[Kind]) -> anyhow::Result<(Vec<&'static str>, Vec<&'static str>)> {
    let (mut work, mut fail) = (Vec::new(), Vec::new());
    for (name, try_it) in kinds {
        let tried = try_it();
        if tried.as_ref().is_err_and(|error| matches!(error.downcast_ref(), Some(Failure::CannotShow(_)))) {
            continue;
        }
        if tried.context(*name)? {
            work.push(*name);
        } else {
            fail.push(*name);
        }
    }
    Ok((work, fail))
}

/// The child tells, the parent learns.
fn between(
    tell: impl FnOnce() -> anyhow::Result<()>,
    learn: impl FnOnce() -> anyhow::Result<bool>,
) -> anyhow::Result<bool> {
    let children = Children::helpers();
    let child = children.fork(|| u8::from(tell().is_err()))?;
    let learned = learn()?;
    wait_for(child)?;
    Ok(learned)
}

fn pipe() -> anyhow::Result<bool> {
    let (reader, writer) = io::pipe()?;
    stream(reader, writer)
}

fn unix_socket() -> anyhow::Result<bool> {
    let (ours, theirs) = UnixStream::pair()?;
    stream(ours, theirs)
}

fn stream(mut reader: impl Read, mut writer: impl Write) -> anyhow::Result<bool> {
    let mut byte = [0];
    between(
        || Ok(writer.write_all(b"!")?),
        || {
            reader.read_exact(&mut byte)?;
            Ok(byte == *b"!")
        },
    )
}

fn message_queue() -> anyhow::Result<bool> {
    let queue = Queue::new()?;
    between(|| queue.send(b"!"), || Ok(queue.receive()? == b"!"))
}

/// That the child has ended is the parent's to wait for.
fn shared_memory() -> anyhow::Result<bool> {
    let word = SharedMemory::new(AtomicU32::new(0))?;
    between(
        || {
            word.store(1, SeqCst);
            Ok(())
        },
        || {
            while word.load(SeqCst) == 0 {
                sched_yield()?;
            }
            Ok(true)
        },
    )
}

fn signal() -> anyhow::Result<bool> {
    let set = SigSet::from(Signal::SIGUSR1);
    set.thread_block()?;
    between(|| Ok(kill(getppid(), Signal::SIGUSR1)?), || Ok(set.wait()? == Signal::SIGUSR1))
}

fn semaphore() -> anyhow::Result<bool> {
    let semaphore = Semaphore::shared()?;
    between(|| semaphore.post(), || semaphore.wait().map(|()| true))
}

fn eventfd() -> anyhow::Result<bool> {
    let event = EventFd::new()?;
    between(|| Ok(event.write(7).map(drop)?), || Ok(event.read()? == 7))
}

fn wait_in_futex() -> anyhow::Result<bool> {
    let word = SharedMemory::new(AtomicU32::new(0))?;
    let tell = || {
        word.store(1, SeqCst);
        Ok(futex(&word, libc::FUTEX_WAKE, 1)?)
    };
    between(tell, || {
        while word.load(SeqCst) == 0 {
            match futex(&word, libc::FUTEX_WAIT, 0) {
                Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => (),
                woken => woken?,
            }
        }
        Ok(true)
    })
}

/// Whoever asks for a lock is told who has it.
fn file_lock() -> anyhow::Result<bool> {
    let (file, gate) = (memfd_create("lock", MFdFlags::MFD_CLOEXEC)?, Gate::new()?);
    let children = Children::helpers();
    let child =
        children.fork(|| u8::from(fcntl(&file, FcntlArg::F_SETLK(&whole_file())).is_err() || gate.pass().is_err()))?;
    let holder = loop {
        let mut found = whole_file();
        fcntl(&file, FcntlArg::F_GETLK(&mut found))?;
        if found.l_type != lock::NONE {
            break found.l_pid;
        }
        sched_yield()?;
    };
    gate.open(1)?;
    wait_for(child)?;
    Ok(holder == child.as_raw())
}

#[allow(clippy::cast_possible_truncation, reason = "for libc they are of int, struct flock has short")]
mod lock {
    pub const FOR_WRITING: libc::c_short = libc::F_WRLCK as libc::c_short;
    pub const NONE: libc::c_short = libc::F_UNLCK as libc::c_short;
}

fn whole_file() -> libc::flock {
    libc::flock { l_type: lock::FOR_WRITING, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 }
}
