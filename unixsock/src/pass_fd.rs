//! An open file, or a listening socket, travels to another process: not its name, not its bytes, but the descriptor.
//!
//! The receiver gets a descriptor of its own for the same open file (offset included), though the file may
//! have no name any more. Between two messages the kernel keeps it open, even after the sender has gone.
//!
//! Note: Socket的基本特征 (AF_UNIX). Go: `syscall.UnixRights`. Man: SCM_RIGHTS in unix(7), cmsg(3).

mod deadline;
mod recv;
mod send;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use shared::harness::ready;
use shared::harness::report::Report;
use shared::linux::handover::{exec_with_listener, exec_with_stdin};
use shared::linux::readiness::restart;
use shared::linux::stdio::stdout_is_open;
use socket2::SockRef;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    side: Side,
    /// Give up after this time (0: never)
    #[arg(long, global = true, value_name = "DURATION", default_value = "10s", value_parser = shared::harness::duration::limit)]
    timeout: Duration,
}

#[derive(clap::Subcommand)]
enum Side {
    /// Open FILE and send its descriptor, or one that is open; done when the other side has it
    Send {
        /// Where the other side waits: a path, or @name
        address: PathBuf,
        /// The file to open
        #[arg(required_unless_present = "fd")]
        file: Option<PathBuf>,
        /// Send this descriptor, of any kind, which whoever started this left open
        #[arg(long, value_name = "N", conflicts_with = "file", value_parser = clap::value_parser!(i32).range(0..))]
        fd: Option<RawFd>,
    },
    /// Wait for a descriptor; copy the file to stdout, or become CMD, which has it
    Recv {
        /// Where to wait: a path, or @name
        address: PathBuf,
        /// Has the file as its stdin; or a listening socket as descriptor 3, LISTEN_FDS=1 and LISTEN_PID
        #[arg(last = true, value_name = "CMD")]
        command: Vec<OsString>,
        #[command(flatten)]
        ready: ready::Args,
    },
}

/// The copying has a report of its own, on a thread of its own.
pub fn run(args: &Args, _: &mut Report) -> anyhow::Result<()> {
    let deadline = Instant::now() + args.timeout;
    match &args.side {
        Side::Send { address, file, fd } => send::send(address.as_os_str(), file.as_deref(), *fd, deadline),
        Side::Recv { address, command, ready } => {
            if command.is_empty() {
                stdout_is_open()?;
            }
            let file = recv::receive_on(address.as_os_str(), ready, deadline)?;
            if command.is_empty() {
                deadline::by(deadline, "copy the received file", || copy_to_stdout(file))
            } else if SockRef::from(&file).is_listener().unwrap_or(false) {
                Err(exec_with_listener(command, file.into()))
            } else {
                Err(exec_with_stdin(command, file.into()))
            }
        }
    }
}

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
