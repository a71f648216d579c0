//! `EAGAIN` as a value: what a non-blocking call reports when it would have to wait.
//!
//! The only file that matches `WouldBlock` and `Interrupted`: everywhere else a call is [`Ready`] or
//! failed. With `-vv` each call is shown on stderr with what it returned: `read(7) = EAGAIN`.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 ("EAGAIN"). Man: read(2), send(2), accept(2), epoll_wait(2).

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use mio::{Events, Poll};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::{self, c_int};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv};
use socket2::Socket;

/// What one non-blocking system call reported.
#[derive(Debug, PartialEq, Eq)]
pub enum Ready<T> {
    /// The call was done at once.
    Done(T),
    /// `EAGAIN`: wait for the next readiness event.
    NotYet,
}

/// How many bytes have come and wait to be read.
pub fn received(socket: &impl AsRawFd) -> io::Result<usize> {
    let mut count: c_int = 0;
    // SAFETY: FIONREAD writes one int.
    #[allow(unsafe_code, reason = "nix wraps no ioctl(2) that the user does not define")]
    Errno::result(unsafe { libc::ioctl(socket.as_raw_fd(), libc::FIONREAD, &raw mut count) })?;
    usize::try_from(count).map_err(io::Error::other)
}

/// Gets a line for each call.
static TRACE: OnceLock<fn(fmt::Arguments<'_>)> = OnceLock::new();

/// Tells `narrate` of every non-blocking call from now on (`-vv`).
pub fn trace_calls(narrate: fn(fmt::Arguments<'_>)) {
    TRACE.get_or_init(|| narrate);
}

/// Makes one non-blocking call, and again if a signal interrupted it.
///
/// `call` and `fd` are for the trace only.
#[inline]
pub fn nonblocking<T: Returned>(
    call: &str,
    fd: &impl AsRawFd,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<Ready<T>> {
    // ANCHOR: eagain
    loop {
        let result = attempt();
        if let Some(narrate) = TRACE.get() {
            show(*narrate, call, fd.as_raw_fd(), result.as_ref().map(T::returned));
        }
        match result {
            Ok(value) => return Ok(Ready::Done(value)),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => return Ok(Ready::NotYet),
                ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
        }
    }
    // ANCHOR_END: eagain
}

/// recv(2) of a stream: `Done(0)` is the end of the stream.
///
/// A read that fills less than its buffer has emptied the socket, most of the time. What can stand behind
/// a short read, and how a program can know:
///
/// | behind it | the sign |
/// |---|---|
/// | bytes after urgent data (`MSG_OOB`): a read stops at the mark, of TCP and of Unix sockets | `EPOLLPRI` |
/// | the end of the stream or an error, under the edge that brought the bytes | `EPOLLRDHUP`, `EPOLLERR` |
/// | bytes after a message that carried descriptors (`SCM_RIGHTS`), of Unix sockets | none without recvmsg(2): `MSG_CTRUNC` |
/// | bytes of another sender, where `SO_PASSCRED` is set, of Unix sockets | the same |
/// | the next record, of a socket that keeps boundaries | always possible |
///
/// An edge-triggered loop hears nothing of these later: where one is possible, only `EAGAIN` proves that
/// nothing is left.
#[inline]
pub fn read(socket: &Socket, buffer: &mut [u8]) -> io::Result<Ready<usize>> {
    let mut stream = socket;
    nonblocking("read", socket, || stream.read(buffer))
}

/// recv(2) of a record: its length, which is more than the buffer's where the end was cut off and lost.
#[inline]
pub fn read_record(socket: &Socket, buffer: &mut [u8]) -> io::Result<Ready<usize>> {
    nonblocking("read", socket, || Ok(recv(socket.as_raw_fd(), buffer, MsgFlags::MSG_TRUNC)?))
}

/// send(2): how many of `bytes` the kernel took; fewer than all is a partial write.
#[inline]
pub fn write(socket: &Socket, bytes: &[u8]) -> io::Result<Ready<usize>> {
    let mut stream = socket;
    nonblocking("write", socket, || stream.write(bytes))
}

/// epoll_wait(2). A signal ends the wait with no events, as the timeout does.
pub fn wait(poll: &mut Poll, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
    let result = poll.poll(events, timeout);
    if let Some(narrate) = TRACE.get() {
        let count = result.as_ref().map(|()| events.iter().count().returned());
        show(*narrate, "epoll_wait", poll.as_raw_fd(), count);
    }
    match result {
        Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// epoll_wait(2) until there is an event, whatever signals come meanwhile, or until `deadline`, if there is one: then false.
pub fn await_events(poll: &mut Poll, events: &mut Events, deadline: Option<Instant>) -> io::Result<bool> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        wait(poll, events, left)?;
        if !events.is_empty() || left.is_some_and(|left| left.is_zero()) {
            return Ok(!events.is_empty());
        }
    }
}

/// Of a descriptor that nobody shares: the flag is the open file's, and others would trip over it.
pub fn set_nonblocking(file: &impl AsFd) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL)?);
    fcntl(file, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Whether poll(2) reports the event, the end or an error now.
pub fn is_ready(file: &impl AsFd, event: PollFlags) -> io::Result<bool> {
    restart(|| Ok(poll(&mut [PollFd::new(file.as_fd(), event)], PollTimeout::ZERO)? > 0))
}

/// poll(2) until `file` can be read, for at most as long as `deadline` says.
pub fn await_readable(file: &impl AsFd, deadline: Instant) -> io::Result<()> {
    await_event(file, PollFlags::POLLIN, Some(deadline))
}

/// poll(2) for one event. Any file will do: regular ones, which epoll refuses, are always ready.
pub fn await_event(file: &impl AsFd, event: PollFlags, deadline: Option<Instant>) -> io::Result<()> {
    await_any(&mut [PollFd::new(file.as_fd(), event)], deadline)
}

/// poll(2) until one of several files has an event, which its entry tells.
pub fn await_any(files: &mut [PollFd<'_>], deadline: Option<Instant>) -> io::Result<()> {
    restart(|| {
        let timeout = deadline.map_or(PollTimeout::NONE, |deadline| {
            let rest = deadline.saturating_duration_since(Instant::now());
            // Rounded up, for poll(2) counts in milliseconds; what it cannot count, 25 days, is for ever.
            PollTimeout::try_from(rest.as_millis() + 1).unwrap_or(PollTimeout::NONE)
        });
        if poll(files, timeout)? == 0 { Err(io::Error::new(ErrorKind::TimedOut, "i/o timeout")) } else { Ok(()) }
    })
}

/// Makes a blocking call again for as long as signals interrupt it.
pub fn restart<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Makes a call on a descriptor that is not ours alone, such as stdout: where somebody made it non-blocking, poll(2)
/// waits instead. The flag belongs to the open file: removing it would hinder those who set it.
pub fn as_if_blocking<T>(
    file: &impl AsFd,
    event: PollFlags,
    deadline: Option<Instant>,
    mut call: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    loop {
        match restart(&mut call) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => await_event(file, event, deadline)?,
            result => return result,
        }
    }
}

/// Whether a blocking call gave up because its timeout passed: `EAGAIN` from a socket with
/// `SO_RCVTIMEO` or `SO_SNDTIMEO`, or a deadline that had passed before the call.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// What a system call returns, as strace shows it.
pub trait Returned {
    /// The number behind the `=`.
    fn returned(&self) -> i64;
}

impl Returned for usize {
    fn returned(&self) -> i64 {
        i64::try_from(*self).unwrap_or(i64::MAX)
    }
}

impl Returned for (usize, bool) {
    fn returned(&self) -> i64 {
        self.0.returned()
    }
}

impl<A> Returned for (Socket, A) {
    fn returned(&self) -> i64 {
        self.0.as_raw_fd().into()
    }
}

#[cold]
fn show(narrate: fn(fmt::Arguments<'_>), call: &str, fd: RawFd, returned: Result<i64, &io::Error>) {
    match returned {
        Ok(value) => narrate(format_args!("{call}({fd}) = {value}")),
        Err(error) => narrate(format_args!("{call}({fd}) = {}", Name(error))),
    }
}

/// An error by the name errno(3) gives it: `ECONNRESET`.
pub struct Name<'a>(pub &'a io::Error);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.raw_os_error() {
            Some(code) => write!(f, "{:?}", nix::errno::Errno::from_raw(code)),
            None => write!(f, "{}", self.0),
        }
    }
}
