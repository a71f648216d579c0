//! A deadline that another thread moves while a read waits, which a timeout of the kernel's is too late for.
//!
//! As in Go, a read is not blocked in recv(2): the poll that waits in its place has a second event, the move.
//!
//! Note: SetDeadline、SetReadDeadline、SetWriteDeadline方法. Go: `net.Conn.SetReadDeadline`. Man: epoll(7), eventfd(2).

use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use shared::cube_roots::client::DeadlineSocket;
use shared::linux::answer::Outcome;
use shared::linux::readiness::{Ready, await_events};
use shared::linux::sleeper;

use crate::experiment::{milliseconds, record};
use crate::loopback::{End, connection};

/// So far ahead that nothing here takes as long.
pub const FAR: Duration = Duration::from_secs(10);

// Two reads whose deadline is moved while they wait: to now, and to far behind the time at which bytes come.
record!("moved", Moved { limit_ms: u64, read_moved_to_now: Outcome, read_put_off: Outcome, elapsed_ms: u64 });

pub fn meanwhile(limit: Duration) -> anyhow::Result<Moved> {
    let (read_moved_to_now, _) = read_beside(FAR, |deadline, _| deadline.set(Instant::now()))?;
    let (read_put_off, elapsed) = read_beside(limit, |deadline, mut theirs| {
        deadline.set(Instant::now() + FAR)?;
        theirs.set_read_deadline(Some(Instant::now() + limit));
        ensure!(theirs.read(&mut [0]).is_err(), "something has come from a client that only reads");
        io::Write::write_all(&mut theirs, b"late").context("write")
    })?;
    Ok(Moved { limit_ms: milliseconds(limit), read_moved_to_now, read_put_off, elapsed_ms: milliseconds(elapsed) })
}

/// Reads under a deadline; `meanwhile` begins when the read is asleep.
fn read_beside(
    limit: Duration,
    meanwhile: impl FnOnce(&Deadline, DeadlineSocket) -> anyhow::Result<()>,
) -> anyhow::Result<(Outcome, Duration)> {
    let (ours, theirs) = connection()?;
    let (mut reader, start) = (Reader::new(ours)?, Instant::now());
    let deadline = Deadline { at: Mutex::new(start + limit), moved: reader.waker()? };
    thread::scope(|scope| {
        let (read, reading) = sleeper::spawn(scope, || reader.read(&deadline))?;
        reading.sleeps()?;
        meanwhile(&deadline, DeadlineSocket::new(theirs.socket))?;
        let read = read.join().map_err(|_| anyhow!("the reader panicked"))??;
        Ok((read, start.elapsed()))
    })
}

/// What both threads have of it.
struct Deadline {
    at: Mutex<Instant>,
    moved: Waker,
}

impl Deadline {
    fn get(&self) -> Instant {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, at: Instant) -> anyhow::Result<()> {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = at;
        self.moved.wake().context("write eventfd")
    }
}

struct Reader {
    end: End,
    poll: Poll,
}

impl Reader {
    fn new(end: End) -> anyhow::Result<Reader> {
        let poll = Poll::new().context("epoll_create")?;
        end.set_nonblocking()?;
        let registered = poll.registry().register(&mut SourceFd(&end.socket.as_raw_fd()), Token(0), Interest::READABLE);
        registered.context("epoll_ctl")?;
        Ok(Reader { end, poll })
    }

    fn waker(&self) -> anyhow::Result<Waker> {
        Waker::new(self.poll.registry(), Token(1)).context("eventfd")
    }

    /// Whatever wakes it, the deadline is the one that holds now.
    fn read(&mut self, deadline: &Deadline) -> anyhow::Result<Outcome> {
        let mut events = Events::with_capacity(2);
        loop {
            let until = deadline.get();
            if until <= Instant::now() {
                return Ok(Outcome::TimedOut);
            }
            if let Ready::Done(count) = self.end.read_now(&mut [0; 16])? {
                return Ok(Outcome::Done(count));
            }
            await_events(&mut self.poll, &mut events, Some(until)).context("epoll_wait")?;
        }
    }
}
