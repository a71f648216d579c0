//! A story: blocking work on a thread of its own, while the main thread watches the clock and the signals.
//!
//! However it ends (by itself, by an error, at the deadline, by a signal), no child is left running or unreaped.
//!
//! Go: `context.WithTimeout`, `signal.NotifyContext`. Man: signal(7), epoll(7).

use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mio::unix::pipe::Sender;
use mio::{Events, Interest, Poll, Token, Waker};

use crate::linux::child::Children;
use crate::linux::failure::Failure;
use crate::linux::readiness::await_events;
use crate::linux::shutdown::Shutdown;
use crate::linux::thread::spawn;

const STORY: Token = Token(0);
const SHUTDOWN: Token = Token(1);

/// Runs `story` for at most `timeout`, and ends the children that it leaves behind.
pub fn tell<T: Send + 'static>(
    timeout: Duration,
    children: &Children,
    story: impl FnOnce(&Children) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let shutdown = Shutdown::on_signals({
        let children = children.clone();
        move || children.kill()
    })?;
    let told = watch(timeout, children, &shutdown, story);
    match told {
        Ok(_) => children.finish(),
        Err(_) => children.end(),
    }
    children.check()?;
    told?
}

/// The result of the story, or the reason why we stopped waiting for it.
fn watch<T: Send + 'static>(
    timeout: Duration,
    children: &Children,
    shutdown: &Shutdown,
    story: impl FnOnce(&Children) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<anyhow::Result<T>> {
    let deadline = Instant::now() + timeout;
    let mut poll = Poll::new().context("epoll_create")?;
    shutdown.wake(Waker::new(poll.registry(), SHUTDOWN).context("eventfd")?)?;
    let (open_while_told, mut told) = mio::unix::pipe::new().context("pipe")?;
    poll.registry().register(&mut told, STORY, Interest::READABLE).context("epoll_ctl")?;
    let result = begin(children.clone(), story, open_while_told)?;
    let mut events = Events::with_capacity(2);
    let came = await_events(&mut poll, &mut events, Some(deadline))?;
    if shutdown.is_requested() {
        bail!("a signal came");
    }
    if !came {
        return Err(Failure::Deadline(format!("not done after {}", humantime::format_duration(timeout))).into());
    }
    result.recv().context("the story panicked")
}

fn begin<T: Send + 'static>(
    children: Children,
    story: impl FnOnce(&Children) -> anyhow::Result<T> + Send + 'static,
    open_while_told: Sender,
) -> anyhow::Result<Receiver<anyhow::Result<T>>> {
    let (give, result) = mpsc::channel();
    let tell = move || {
        // Nobody is left to take the result when the program is ending already.
        let _ = give.send(story(&children));
        drop((give, open_while_told));
        // Children die with the thread that started them, and it is for `finish` and `end` to end them.
        loop {
            thread::park();
        }
    };
    spawn::<()>(tell)?;
    Ok(result)
}
