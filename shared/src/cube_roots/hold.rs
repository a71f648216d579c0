//! The command `hold`: binds, listens, and becomes a command that has the listener.
//!
//! - Servers that the command starts share the socket. A connection is in its backlog whichever of them ends or starts,
//!   so the next can start before the last one ends, and nobody is refused. s6-ipcserver-socketbinder is such a program.
//! - The file of a Unix socket stays: nobody is left to remove it when the command ends, and as long as it runs
//!   connections must find it. The next `hold` or `serve` there takes it for stale and replaces it.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: `net.Listen`. Man: listen(2), execve(2), sd_listen_fds(3).

use std::ffi::{OsStr, OsString};

use anyhow::Context;

use crate::linux::network::Network;
use crate::linux::stdio::detail;
use crate::linux::{endpoint, handover, shutdown};

/// Options of `hold`, except address and network.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// How many connections the kernel holds before they are accepted
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(i32).range(0..))]
    backlog: i32,
    /// Has the listener as descriptor 3, LISTEN_FDS=1 and LISTEN_PID; what it starts passes --listen-fd 3
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Listens, and becomes the command. A signal that comes before leaves no file behind.
pub fn run(network: Network, address: &(impl AsRef<OsStr> + ?Sized), args: &Args) -> anyhow::Result<()> {
    shutdown::abort_on_signals(endpoint::remove_socket_files)?;
    let mut listener = endpoint::listen(network, address, args.backlog, 1)?;
    detail(format_args!("listening {network} {}", listener.address));
    let socket = listener.sockets.remove(0);
    // As systemd hands it over: not everybody expects EAGAIN.
    socket.set_nonblocking(false).context("fcntl O_NONBLOCK")?;
    Err(handover::exec_with_listener(&args.command, socket.into()))
}
