//! What reaches a process that does not wait for it: a signal, and the notice of a POSIX message queue.
//!
//! The process counts in a loop without any call, and looks at what others have changed meanwhile: the handler of
//! the signal, and the function that the C library calls in a thread of its own when a message comes.
//!
//! Note: 信号 ("唯一一种异步的通讯方法"). Go: `signal.Notify`. Man: mq_notify(3), SIGEV_THREAD in sigevent(3type).

use std::ffi::{c_int, c_void};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use nix::errno::Errno;
use nix::mqueue::{MQ_OFlag, MqAttr, MqdT, mq_open, mq_send, mq_unlink};
use nix::sys::stat::Mode;
use nix::unistd;
use shared::harness::claims::{Check, Seen};
use shared::linux::failure::Failure;
use shared::linux::pidfd::{PidFd, sigval};
use shared::linux::readiness::restart;

use crate::child::{self, Child};
use crate::signal::action::Action;
use crate::signal::set::Set;
use crate::signal::{Signal, send};

pub const CHECKS: &[Check] = &[(105, the_only_asynchronous_means)];

/// How far this process has counted.
static COUNT: AtomicU64 = AtomicU64::new(1);
/// How far it had when the signal came; 0: not yet.
static SIGNAL_AT: AtomicU64 = AtomicU64::new(0);
/// And when the notice of the message came.
static NOTICE_AT: AtomicU64 = AtomicU64::new(0);

/// Both come within milliseconds; a starved process may need longer.
const PATIENCE: Duration = Duration::from_secs(8);

fn the_only_asynchronous_means() -> anyhow::Result<Seen> {
    let queue = queue().map_err(|error| Failure::CannotShow(format!("POSIX message queues: {error}")))?;
    Action::Catch { handler: on_signal, mask: Set::EMPTY }.set(Signal::USR1).context("catch SIGUSR1")?;
    Set::from(Signal::USR1).unblock().context("unblock SIGUSR1")?;
    let (mut turns, mut take_turns) = io::pipe().context("pipe")?;
    let receiver = unistd::getpid().as_raw();
    let sender = Child::fork(|| {
        child::close_copy(&take_turns)?;
        restart(|| turns.read_exact(&mut [0]))?;
        send::kill(receiver, Signal::USR1)?;
        restart(|| turns.read_exact(&mut [0]))?;
        Ok(mq_send(&queue, b"!", 0)?)
    })?;
    // The C library starts a thread to wait for it, then one for the function: nothing is forked any more.
    ask_for_notice(&queue).map_err(|error| Failure::CannotShow(format!("mq_notify: {error}")))?;
    make_sure_of_a_thread()?;
    for come_at in [&SIGNAL_AT, &NOTICE_AT] {
        count_until(come_at, || take_turns.write_all(b"!")).context("tell the sender")?;
    }
    // Not by SIGCHLD, which another thread may take.
    PidFd::open(sender.pid())
        .and_then(|sender| sender.ends_by(Instant::now() + PATIENCE))
        .context("wait for the sender")?;
    sender.succeed()?;
    let [signal, notice, total] = [&SIGNAL_AT, &NOTICE_AT, &COUNT].map(|at| at.load(Ordering::SeqCst));
    let evidence =
        format!("counting to {total}: the handler of SIGUSR1 ran at {signal}, the function of mq_notify at {notice}");
    Ok(Seen::imprecise(signal > 0, notice > 0, evidence))
}

/// It has no name any more.
fn queue() -> nix::Result<MqdT> {
    let name = format!("/signal-demo-{}", process::id());
    let name = name.as_str();
    let flags = MQ_OFlag::O_RDWR | MQ_OFlag::O_CREAT | MQ_OFlag::O_EXCL | MQ_OFlag::O_CLOEXEC;
    let queue = mq_open(name, flags, Mode::S_IRUSR | Mode::S_IWUSR, Some(&MqAttr::new(0, 1, 16, 0)))?;
    mq_unlink(name)?;
    Ok(queue)
}

/// Where no more can be started, the C library says nothing of it.
fn make_sure_of_a_thread() -> anyhow::Result<()> {
    let thread = thread::Builder::new().spawn(|| ());
    let thread = thread.map_err(|error| Failure::CannotShow(format!("start a thread: {error}")))?;
    thread.join().map_err(|_| anyhow!("the thread panicked"))
}

/// Counts until the thing has come. It tells when it is at it, and makes no call otherwise.
fn count_until(come_at: &AtomicU64, tell: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let count = || COUNT.fetch_add(1, Ordering::SeqCst);
    while !count().is_multiple_of(1000) {}
    tell()?;
    let deadline = Instant::now() + PATIENCE;
    while come_at.load(Ordering::SeqCst) == 0 {
        if count().is_multiple_of(1 << 20) && Instant::now() > deadline {
            break;
        }
    }
    Ok(())
}

extern "C" fn on_signal(_: c_int) {
    SIGNAL_AT.store(COUNT.load(Ordering::SeqCst), Ordering::SeqCst);
}

extern "C" fn on_notice(_: libc::sigval) {
    NOTICE_AT.store(COUNT.load(Ordering::SeqCst), Ordering::SeqCst);
}

/// The beginning of `struct sigevent`; the rest is 0.
#[repr(C)]
struct Event {
    value: libc::sigval,
    signal: c_int,
    notify: c_int,
    function: extern "C" fn(libc::sigval),
    attributes: *const c_void,
    rest: [usize; 11],
}

const _: () = assert!(size_of::<Event>() >= size_of::<libc::sigevent>());

#[allow(unsafe_code, reason = "neither nix nor libc has it on every machine")]
unsafe extern "C" {
    fn mq_notify(queue: libc::mqd_t, event: *const Event) -> c_int;
}

/// Once, when a message comes into the empty queue.
fn ask_for_notice(queue: &MqdT) -> nix::Result<()> {
    let event = Event {
        value: sigval(0),
        signal: 0,
        notify: libc::SIGEV_THREAD,
        function: on_notice,
        attributes: ptr::null(),
        rest: [0; 11],
    };
    // SAFETY: the event lives until the call is over; the function only touches atomics.
    #[allow(unsafe_code, reason = "neither nix nor libc has it on every machine")]
    Errno::result(unsafe { mq_notify(queue.as_raw_fd(), &raw const event) }).map(drop)
}
