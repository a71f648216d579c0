//! An open file travels to another process: not its name, not its bytes, but the descriptor.
//!
//! The receiver gets a descriptor of its own for the same open file (offset included), though the file may
//! have no name any more. Between two messages the kernel keeps it open, even after the sender has gone.
//!
//! Note: Socket的基本特征 (AF_UNIX). Go: `syscall.UnixRights`. Man: SCM_RIGHTS in unix(7), cmsg(3).

mod deadline;
mod recv;
mod send;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use shared::harness::report::Report;
use shared::linux::failure::Failure;
use shared::linux::readiness::restart;
use shared::linux::signals;
use shared::linux::stdio::{complain, stdout_is_open};

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
    /// Open FILE and send its descriptor; done when the other side has it
    Send { address: PathBuf, file: PathBuf },
    /// Wait for a descriptor (`listening unix ADDRESS` on stderr says since when); copy the file to stdout, or have it as the stdin of COMMAND
    Recv {
        address: PathBuf,
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
}

/// The copying has a report of its own, on a thread of its own.
pub fn run(args: &Args, _: &mut Report) -> anyhow::Result<()> {
    let deadline = Instant::now() + args.timeout;
    match &args.side {
        Side::Send { address, file } => send::send(address.as_os_str(), file, deadline),
        Side::Recv { address, command } => {
            if command.is_empty() {
                stdout_is_open()?;
            }
            let file = recv::receive_on(address.as_os_str(), deadline)?;
            match command.split_first() {
                None => deadline::by(deadline, "copy the received file", || copy_to_stdout(file)),
                Some((program, arguments)) => become_command(program, arguments, file),
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

/// exec(3): the command has our PID, and its exit code is ours.
fn become_command(program: &OsStr, arguments: &[OsString], file: File) -> anyhow::Result<()> {
    let error = signals::hand_on(Command::new(program).args(arguments).stdin(file)).exec();
    let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    complain(&anyhow::Error::new(error).context(format!("exec {}", program.display())));
    Err(Failure::Child(code).into())
}
