//! Readiness: whoever started a command that waits for others is told as soon as they may come.
//!
//! A server says it on stdout, what has a payload there on stderr; `--ready-fd N` is s6's way, NOTIFY_SOCKET systemd's.
//! Nothing of that makes a command fail which can do its work.
//!
//! Man: fcntl(2), sd_notify(3), Type=notify in systemd.service(5).

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::fd::{FromRawFd, RawFd};

use anyhow::Context;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
pub use sd_notify::NotifyState;
use serde::Serialize;

use crate::harness::report::Report;
use crate::linux::failure::Failure;
use crate::linux::handover;
use crate::linux::network::Network;
use crate::linux::stdio::{Patient, complain, narrate, stdout_is_open};

/// The options of what waits for others.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// As soon as it waits, write a newline to descriptor N and close it
    #[arg(long, value_name = "N", value_parser = writable)]
    ready_fd: Option<RawFd>,
}

impl Args {
    /// `listening NETWORK ADDRESS` on stdout. If its reader has gone, the server goes on: its clients are others.
    pub fn listening(&self, out: &mut Report, network: Network, address: &str) -> anyhow::Result<()> {
        stdout_is_open()?;
        let told = out.record(&Listening { network: network.name(), address });
        self.tell();
        told.or_else(|error| if is_reader_gone(&error) { Ok(()) } else { Err(error) })
    }

    /// `waiting WHAT` on stderr.
    pub fn waiting(&self, what: fmt::Arguments<'_>) {
        narrate(format_args!("waiting {what}"));
        self.tell();
    }

    /// Closes the descriptor, too: call it once.
    fn tell(&self) {
        let Some(number) = self.ready_fd else { return };
        // SAFETY: `writable` found it open, and it was given to us for this alone.
        #[allow(unsafe_code, reason = "what a command line names is a plain number")]
        let file = unsafe { File::from_raw_fd(number) };
        let written = Patient::new(file).write_all(b"\n");
        written.with_context(|| format!("write --ready-fd {number}")).unwrap_or_else(|error| complain(&error));
    }
}

/// The only record of a server: from now on it answers.
#[derive(Serialize)]
struct Listening<'a> {
    network: &'static str,
    /// As it is shown.
    address: &'a str,
}

impl fmt::Display for Listening<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listening {} {}", self.network, self.address)
    }
}

fn is_reader_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref() == Some(&Failure::ReaderGone)
}

/// Tells the service manager, if there is one.
pub fn notify(state: NotifyState<'_>) {
    sd_notify::notify(&[state]).context("write $NOTIFY_SOCKET").unwrap_or_else(|error| complain(&error));
}

/// A descriptor that is open for writing. No child holds it open.
fn writable(text: &str) -> Result<RawFd, String> {
    let number = text.parse().ok().filter(|&number: &RawFd| number > libc::STDERR_FILENO);
    let number = number.ok_or("a descriptor from 3 on is needed")?;
    let mode = handover::started_with(number).and_then(|fd| Ok(fcntl(fd, FcntlArg::F_GETFL)? & libc::O_ACCMODE));
    match mode {
        Ok(libc::O_RDONLY) => Err("not open for writing".to_owned()),
        mode => mode.map(|_| number).map_err(|error| error.to_string()),
    }
}
