//! Bytes into a FIFO, to whoever reads it: `cat FILE > FIFO` with a limit to the wait.
//!
//! Bytes go as they come: a write(2) that is longer than PIPE_BUF, or that finds less room, is torn by those of other
//! writers wherever a page ends. `--lines` keeps lines whole.
//!
//! Note: 管道 ("cat src.log > myfifo"). Go: `os.OpenFile(…, os.O_WRONLY, …)`, `io.Copy`. Man: fifo(7), cat(1).

mod lines;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::stdio::{detail, stdin_is_open};

use crate::fifo;
use crate::patience::Patience;
use lines::Lines;

#[derive(clap::Args)]
pub struct Args {
    /// The FIFO
    path: PathBuf,
    /// What to send, to its end [default: stdin]
    file: Option<PathBuf>,
    /// Send whole lines only, and let no other sender with --lines come between; the last one gets a newline if it has none
    #[arg(long)]
    lines: bool,
    #[command(flatten)]
    patience: Patience,
}

/// What went.
#[derive(Serialize)]
pub struct Sent {
    pub bytes: usize,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sent {} bytes", self.bytes)
    }
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let (input, name) = open_input(args.file.as_deref(), args.patience)?;
    let fifo = fifo::open_writer(&args.path, args.patience)?;
    detail(format_args!("{} has a reader", args.path.display()));
    let mut buffer = vec![0; 128 * 1024];
    let mut sent = Sent { bytes: 0 };
    let mut lines = if args.lines { Some(Lines::to(&fifo)?) } else { None };
    args.patience.read_to_end(&input, &mut buffer, &name, format_args!("bytes to send from {name}"), |bytes| {
        sent.bytes += bytes.len();
        lines.as_mut().map_or_else(|| fifo.write_all(bytes), |lines| lines.feed(bytes))
    })?;
    if let Some(lines) = lines {
        sent.bytes += usize::from(lines.finish()?);
    }
    fifo.close()?;
    out.beside(&sent)
}

/// Before the FIFO, so that a reader is not bothered when there is nothing to send.
fn open_input(file: Option<&Path>, patience: Patience) -> anyhow::Result<(File, String)> {
    let Some(path) = file else {
        stdin_is_open()?;
        let stdin = io::stdin().as_fd().try_clone_to_owned().context("dup stdin")?;
        return Ok((stdin.into(), "stdin".to_owned()));
    };
    let file = fifo::open_within(path, OpenOptions::new().read(true), patience, "a writer of ")?;
    Ok((file, path.display().to_string()))
}
