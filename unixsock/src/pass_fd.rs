//! An open file travels to another process: not its name, not its bytes, but the descriptor.
//!
//! The receiver gets a descriptor of its own for the same open file (offset included), though the file may
//! have no name any more. Between two messages the kernel keeps it open, even after the sender has gone.
//!
//! Note: Socket的基本特征 (AF_UNIX). Go: `syscall.UnixRights`. Man: SCM_RIGHTS in unix(7), cmsg(3).

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use shared::cube_roots::client::DeadlineSocket;
use shared::harness::report::Report;
use shared::linux::failure::Failure;
use shared::linux::network::Network;
use shared::linux::readiness::{Ready, is_timeout, nonblocking, restart};
use shared::linux::stdio::stdout_is_open;
use shared::linux::stdio::{complain, escaped, narrate};
use shared::linux::{endpoint, shutdown, signals};
use socket2::Socket;

/// The most descriptors that one message carries (SCM_MAX_FD). The control buffer has room for all of
/// them: from one that is too small the kernel installs those that fit, and nobody would close them.
const MOST: usize = 253;

/// At least one byte must travel with a descriptor; and back, when it has arrived.
const BYTE: [u8; 1] = [0];

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    side: Side,
    /// Wait so long for all together: the other side, a FILE that is a FIFO, and the bytes that are copied
    #[arg(long, global = true, value_name = "DURATION", default_value = "10s", value_parser = shared::harness::duration::parse)]
    timeout: Duration,
}

#[derive(clap::Subcommand)]
enum Side {
    /// Open FILE and send its descriptor; done when the other side has it
    Send { address: OsString, file: PathBuf },
    /// Wait for a descriptor (`listening unix ADDRESS` on stderr says since when); copy the file to stdout, or have it as the stdin of COMMAND
    Recv {
        address: OsString,
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let deadline = Instant::now() + args.timeout;
    match &args.side {
        Side::Send { address, file } => {
            let opened = open_by(deadline, file)?;
            let socket = endpoint::dial(Network::Unix, address, deadline.saturating_duration_since(Instant::now()))?;
            send(socket, &opened, deadline).map_err(|error| failed("send", address, error))
        }
        Side::Recv { address, command } => {
            if command.is_empty() {
                stdout_is_open()?;
            }
            let file = receive_on(address, deadline)?;
            match command.split_first() {
                None => by(deadline, "copy the received file", || copy_to_stdout(file)),
                Some((program, arguments)) => become_command(program, arguments, file),
            }
        }
    }
}

/// open(2) of a FIFO waits for a writer.
fn open_by(deadline: Instant, file: &Path) -> anyhow::Result<File> {
    let what = format!("open {}", file.display());
    let (file, context) = (file.to_owned(), what.clone());
    by(deadline, &what, || File::open(file).context(context))
}

/// Does `work` on a thread of its own, whose calls may wait for ever: past the deadline the process ends without it.
fn by<T: Send + 'static>(
    deadline: Instant,
    what: &str,
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let (done, result) = mpsc::channel();
    thread::Builder::new().spawn(move || done.send(work())).context("start a thread")?;
    match result.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Err(RecvTimeoutError::Timeout) => Err(Failure::Deadline(format!("{what}: i/o timeout")).into()),
        result => result.with_context(|| format!("{what}: the thread panicked"))?,
    }
}

fn failed(what: &str, address: &OsStr, error: io::Error) -> anyhow::Error {
    if is_timeout(&error) {
        Failure::Deadline(format!("{what} {}: i/o timeout", address.display())).into()
    } else {
        anyhow::Error::new(error).context(format!("{what} {}", address.display()))
    }
}

fn send(socket: Socket, file: &File, deadline: Instant) -> io::Result<()> {
    let rights = [file.as_raw_fd()];
    let message = [ControlMessage::ScmRights(&rights)];
    restart(|| Ok(sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(&BYTE)], &message, MsgFlags::MSG_NOSIGNAL, None)?))?;
    let mut socket = DeadlineSocket::new(socket);
    socket.set_deadline(Some(deadline));
    socket.read_exact(&mut BYTE.clone())
}

/// Listens on `address` until one sender has come. The socket's file is gone when this returns.
fn receive_on(address: &OsStr, deadline: Instant) -> anyhow::Result<File> {
    shutdown::abort_on_signals(endpoint::remove_socket_files)?;
    let listener = endpoint::listen(Network::Unix, address, 1, 1)?;
    // stdout is for the file; a script waits for this line before it lets the sender start.
    narrate(format_args!("listening unix {}", escaped(address.as_encoded_bytes())));
    receive_first(listener.sockets, deadline).map_err(|error| failed("receive", address, error))
}

/// The file of whoever sends first. Others may have connected only to see whether somebody is there, and gone again,
/// or say nothing.
fn receive_first(mut sockets: Vec<Socket>, deadline: Instant) -> io::Result<File> {
    loop {
        // The first is the one that listens.
        let nth = await_any(&sockets, deadline)?;
        if nth == 0 {
            if let Ready::Done((peer, _)) = nonblocking("accept", &sockets[0], || sockets[0].accept())? {
                sockets.push(peer);
            }
        } else if let Some(file) = receive(&sockets[nth])? {
            (&sockets[nth]).write_all(&BYTE)?;
            return Ok(file);
        } else {
            sockets.swap_remove(nth);
        }
    }
}

/// The last of the `sockets` that can be read, as soon as one can.
fn await_any(sockets: &[Socket], deadline: Instant) -> io::Result<usize> {
    let mut fds: Vec<_> = sockets.iter().map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
    restart(|| {
        let left = deadline.saturating_duration_since(Instant::now());
        // Rounded up, for poll(2) counts in milliseconds.
        Ok(poll(&mut fds, PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX))?)
    })?;
    fds.iter().rposition(|fd| fd.any() == Some(true)).ok_or_else(|| io::ErrorKind::TimedOut.into())
}

// ANCHOR: receive
/// Every descriptor that came has an owner before anything can fail; the first is the file. None if the peer has gone.
fn receive(socket: &Socket) -> io::Result<Option<File>> {
    let (mut byte, mut control) = (BYTE, nix::cmsg_space!([RawFd; MOST]));
    let mut parts = [IoSliceMut::new(&mut byte)];
    // It has come already, so no signal interrupts a wait for it.
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let mut files = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(descriptors) = control {
            // SAFETY: the kernel has just made them for us, and nobody else knows them.
            #[allow(unsafe_code, reason = "nix hands out received descriptors as plain numbers")]
            files.extend(descriptors.into_iter().map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) }));
        }
    }
    match files.into_iter().next() {
        Some(first) => Ok(Some(first.into())),
        None if message.bytes == 0 => Ok(None),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "no descriptor came with the message")),
    }
}
// ANCHOR_END: receive

fn copy_to_stdout(mut file: File) -> anyhow::Result<()> {
    let (mut out, mut buffer) = (Report::new(false), vec![0; 64 << 10]);
    loop {
        match restart(|| file.read(&mut buffer)).context("read the received file")? {
            0 => return Ok(()),
            count => out.payload(&buffer[..count])?,
        }
        out.flush()?;
    }
}

/// exec(3): the command has our PID, and its exit code is ours.
fn become_command(program: &OsStr, arguments: &[OsString], file: File) -> anyhow::Result<()> {
    let error = signals::hand_on(Command::new(program).args(arguments).stdin(file)).exec();
    let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    complain(&anyhow::Error::new(error).context(format!("exec {}", program.display())));
    Err(Failure::Child(code).into())
}
