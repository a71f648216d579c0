//! Bytes into a FIFO, to whoever reads it: `cat FILE > FIFO` with a limit to the wait.
//!
//! What one read(2) brings goes into one write(2), so lines that come one by one and are not longer than
//! PIPE_BUF stay whole beside those of other writers.
//!
//! Note: 管道 ("cat src.log > myfifo"). Go: `os.OpenFile(…, os.O_WRONLY, …)`, `io.Copy`. Man: fifo(7), cat(1).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use anyhow::Context;
use shared::harness::report::Report;
use shared::linux::stdio::detail;

use crate::fifo;
use crate::patience::Patience;

#[derive(clap::Args)]
pub struct Args {
    /// The FIFO
    path: PathBuf,
    /// What to send, to its end [default: stdin]
    file: Option<PathBuf>,
    #[command(flatten)]
    patience: Patience,
}

pub fn run(args: &Args, _: &mut Report) -> anyhow::Result<()> {
    let (input, name) = open_input(args.file.as_deref(), args.patience)?;
    let fifo = fifo::open_writer(&args.path, args.patience)?;
    detail(format_args!("{} has a reader", args.path.display()));
    let mut buffer = vec![0; 128 * 1024];
    let mut sent = 0;
    args.patience.read_to_end(&input, &mut buffer, &name, format_args!("bytes to send from {name}"), |bytes| {
        sent += bytes.len();
        fifo.write_all(bytes)
    })?;
    detail(format_args!("sent {sent} bytes"));
    fifo.close()
}

/// Before the FIFO, so that a reader is not bothered when there is nothing to send.
fn open_input(file: Option<&Path>, patience: Patience) -> anyhow::Result<(File, String)> {
    match file {
        Some(path) => {
            let name = path.display().to_string();
            let file = fifo::open_within(path, OpenOptions::new().read(true), patience, "a writer of ")?;
            Ok((file, name))
        }
        None => Ok((io::stdin().as_fd().try_clone_to_owned().context("dup stdin")?.into(), "stdin".to_owned())),
    }
}
