//! Children that never outlive the program.
//!
//! A *story* starts children, moves their bytes and waits for them, with calls that block, in a thread
//! of its own. The main thread watches the clock and the signals meanwhile. However the story ends, by
//! itself, by an error, by the deadline or by Ctrl-C: no child is left running, and none a zombie.
//!
//! A child is known by its pidfd: a signal sent through it cannot meet a stranger who got its PID.
//!
//! Note: 管道, 信号. Go: `exec.CommandContext`. Man: pidfd_open(2), pidfd_send_signal(2), waitid(2).

use std::io;
use std::os::fd::AsFd;
use std::panic::{self, AssertUnwindSafe};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use mio::{Events, Interest, Poll, Token, Waker};
use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use shared::harness::report::{Failure, narrate};
use shared::linux::pidfd::PidFd;
use shared::linux::readiness;
use shared::linux::shutdown::Shutdown;

/// Children that were asked to end by SIGTERM have so long before SIGKILL.
const GRACE: Duration = Duration::from_secs(1);

/// 128 + SIGINT.
const INTERRUPTED: u8 = 130;

const STORY: Token = Token(0);
const SHUTDOWN: Token = Token(1);

/// The children that a story has started. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Children(Arc<Mutex<Started>>);

#[derive(Debug, Default)]
struct Started {
    /// The program is ending: no more.
    over: bool,
    children: Vec<Arc<PidFd>>,
}

/// Tells `story` in a thread, and ends whatever child it leaves behind.
pub fn supervise<T: Send + 'static>(
    timeout: Duration,
    children: &Children,
    story: impl FnOnce(&Children) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let shutdown = Shutdown::on_signals({
        let children = children.clone();
        move || children.end(Duration::ZERO)
    })?;
    let deadline = Instant::now().checked_add(timeout);
    let mut poll = Poll::new()?;
    shutdown.wake(Waker::new(poll.registry(), SHUTDOWN)?)?;
    let (open_while_told, mut told) = mio::unix::pipe::new()?;
    poll.registry().register(&mut told, STORY, Interest::READABLE)?;
    let (give, result) = mpsc::channel();
    thread::Builder::new().name("story".into()).spawn({
        let children = children.clone();
        move || {
            // Nobody is left to take the result when the program is ending already.
            let _ = give.send(story(&children));
            drop(open_while_told);
        }
    })?;
    let mut events = Events::with_capacity(2);
    let ending = loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        readiness::wait(&mut poll, &mut events, left)?;
        if shutdown.is_requested() {
            break Err(Failure::Child(INTERRUPTED).into());
        }
        if events.iter().any(|event| event.token() == STORY) {
            break result.recv().unwrap_or_else(|_| Err(anyhow!("the story panicked")));
        }
        if left.is_some_and(|left| left.is_zero()) {
            let timeout = humantime::format_duration(timeout);
            break Err(Failure::Deadline(format!("not done after {timeout}")).into());
        }
    };
    children.end(GRACE);
    ending
}

impl Children {
    /// Starts a child. 127 is the exit code when there is no such command, 126 when it cannot be run.
    pub fn spawn(&self, command: &mut Command) -> anyhow::Result<Child> {
        let mut started = self.lock();
        if started.over {
            return Err(Failure::AlreadySaid.into());
        }
        let mut child = command.spawn().map_err(|error| cannot_start(command, error))?;
        match PidFd::open(child.id().cast_signed()) {
            Ok(pidfd) => started.children.push(Arc::new(pidfd)),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                return Err(anyhow::Error::new(error).context(format!("pidfd_open {}", child.id())));
            }
        }
        Ok(child)
    }

    /// Forks a child that does `body` and exits with what it returns. It dies with the main thread.
    ///
    /// Only before [`supervise`], as long as the program has one thread: of several, the child would have
    /// one, and the locks of the others for ever.
    pub fn fork(&self, body: impl FnOnce() -> u8) -> anyhow::Result<Pid> {
        let parent = getpid();
        // SAFETY: there is no other thread, so the child may do what its parent may.
        #[allow(unsafe_code, reason = "fork(2) is unsafe in a program with threads")]
        match unsafe { fork() }.context("fork")? {
            ForkResult::Parent { child } => {
                self.lock().children.push(Arc::new(PidFd::open(child.as_raw())?));
                Ok(child)
            }
            ForkResult::Child => {
                let dies_too = set_pdeathsig(Signal::SIGKILL).is_ok() && getppid() == parent;
                let code = if dies_too { panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or(1) } else { 1 };
                // SAFETY: ends the process; what the parent has buffered is not written twice.
                #[allow(unsafe_code, reason = "exit(3) would run the parent's destructors")]
                unsafe {
                    libc::_exit(code.into())
                }
            }
        }
    }

    /// Ends all children: SIGTERM, after the grace period SIGKILL; and reaps those that nobody has.
    pub fn end(&self, grace: Duration) {
        let children = {
            let mut started = self.lock();
            started.over = true;
            started.children.clone()
        };
        end(&children, grace);
    }

    fn lock(&self) -> MutexGuard<'_, Started> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Started {
    /// When something failed before the story could begin.
    fn drop(&mut self) {
        end(&self.children, Duration::ZERO);
    }
}

fn end(children: &[Arc<PidFd>], grace: Duration) {
    for child in children {
        send(child, Signal::SIGTERM);
        send(child, Signal::SIGCONT);
    }
    let deadline = Instant::now() + grace;
    for child in children {
        if !child.ends_by(deadline).unwrap_or(false) {
            send(child, Signal::SIGKILL);
        }
    }
    for child in children {
        // ECHILD: the story has reaped it.
        let _ = readiness::restart(|| waitid(Id::PIDFd(child.as_fd()), WaitPidFlag::WEXITED).map_err(io::Error::from));
    }
}

/// A child that has ended already needs no signal.
fn send(child: &PidFd, signal: Signal) {
    let _ = child.send(signal as libc::c_int, None);
}

/// Waits for a forked child, which says by its exit code whether it did what it should.
pub fn wait_for(child: Pid) -> anyhow::Result<()> {
    match waitpid(child, None).with_context(|| format!("wait for {child}"))? {
        WaitStatus::Exited(_, 0) => Ok(()),
        status => Err(anyhow!("child {child} failed: {status:?}")),
    }
}

/// Says why a command cannot be started; the exit code is the shell's.
fn cannot_start(command: &Command, error: io::Error) -> anyhow::Error {
    let code = match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT) => 127,
        None | Some(Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE) => 1,
        Some(_) => 126,
    };
    let error = anyhow::Error::new(error).context(format!("start {}", command.get_program().display()));
    narrate(format_args!("error: {error:#}"));
    Failure::Child(code).into()
}
