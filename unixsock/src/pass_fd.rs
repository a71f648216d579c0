//! An open file travels to another process: not its name, not its bytes, but the descriptor.
//!
//! The receiver gets a descriptor of its own for the same open file (offset included), though the file may
//! have no name any more. Between two messages the kernel keeps it open, even after the sender has gone.
//!
//! Note: Socket的基本特征 (AF_UNIX). Go: `syscall.UnixRights`. Man: SCM_RIGHTS in unix(7), cmsg(3).

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use shared::cube_roots::client::DeadlineSocket;
use shared::harness::report::{Failure, Report, complain, narrate};
use shared::linux::network::Network;
use shared::linux::readiness::{await_readable, is_timeout, restart};
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
    /// Wait for the other side so long
    #[arg(long, global = true, value_name = "DURATION", default_value = "10s", value_parser = shared::harness::duration::parse)]
    timeout: Duration,
}

#[derive(clap::Subcommand)]
enum Side {
    /// Open FILE and send its descriptor; done when the other side has it
    Send { address: String, file: PathBuf },
    /// Wait for a descriptor (`listening unix ADDRESS` on stderr says since when); copy the file to stdout, or have it as the stdin of COMMAND
    Recv {
        address: String,
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let deadline = Instant::now() + args.timeout;
    match &args.side {
        Side::Send { address, file } => {
            let opened = File::open(file).with_context(|| format!("open {}", file.display()))?;
            let socket = endpoint::dial(Network::Unix, address, args.timeout)?;
            send(socket, &opened, deadline).map_err(|error| failed("send", address, error))
        }
        Side::Recv { address, command } => {
            let file = receive_on(address, deadline)?;
            match command.split_first() {
                None => copy_to_stdout(file),
                Some((program, arguments)) => become_command(program, arguments, file),
            }
        }
    }
}

fn failed(what: &str, address: &str, error: io::Error) -> anyhow::Error {
    if is_timeout(&error) {
        Failure::Deadline(format!("{what} {address}: i/o timeout")).into()
    } else {
        anyhow::Error::new(error).context(format!("{what} {address}"))
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
fn receive_on(address: &str, deadline: Instant) -> anyhow::Result<File> {
    shutdown::abort_on_signals(endpoint::remove_socket_files)?;
    let listener = endpoint::listen(Network::Unix, address, 1, 1)?;
    // stdout is for the file; a script waits for this line before it lets the sender start.
    narrate(format_args!("listening unix {address}"));
    let [listening] = &listener.sockets[..] else { bail!("one listening socket") };
    let received = await_readable(listening, deadline).and_then(|()| {
        let (socket, _) = restart(|| listening.accept())?;
        await_readable(&socket, deadline)?;
        let file = receive(&socket)?;
        (&socket).write_all(&BYTE)?;
        Ok(file)
    });
    received.map_err(|error| failed("receive", address, error))
}

// ANCHOR: receive
/// Every descriptor that came has an owner before anything can fail; the first is the file.
fn receive(socket: &Socket) -> io::Result<File> {
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
    let first = files.into_iter().next();
    first
        .map(File::from)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no descriptor came with the message"))
}
// ANCHOR_END: receive

fn copy_to_stdout(mut file: File) -> anyhow::Result<()> {
    let (mut out, mut buffer) = (Report::new(false), vec![0; 64 << 10]);
    loop {
        match restart(|| file.read(&mut buffer)).context("read the received file")? {
            0 => return out.flush(),
            count => out.payload(&buffer[..count])?,
        }
    }
}

/// exec(3): the command has our PID, and its exit code is ours.
fn become_command(program: &str, arguments: &[String], file: File) -> anyhow::Result<()> {
    let error = signals::hand_on(Command::new(program).args(arguments).stdin(file)).exec();
    let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    complain(&anyhow::Error::new(error).context(format!("exec {program}")));
    Err(Failure::Child(code).into())
}
