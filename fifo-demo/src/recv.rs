//! Bytes out of a FIFO to stdout and into files: `tee FILE… < FIFO` with a limit to the wait.
//!
//! A plain read and write loop: with a large buffer it outruns tee(1), and tee(2) too, whose every copy must
//! still be spliced to its place.
//!
//! Note: 管道 ("tee dst.log < myfifo"). Go: `os.Open`, `io.MultiWriter`. Man: fifo(7), tee(1).

mod inlet;
mod outputs;

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use shared::harness::ready;
use shared::harness::report::Report;
use shared::linux::readiness::Ready;
use shared::linux::shutdown::Shutdown;
use shared::linux::stdio::{escaped, stdout_is_open};

use crate::fifo;
use crate::patience::Patience;
use inlet::Inlet;
use outputs::Outputs;

#[derive(clap::Args)]
pub struct Args {
    /// The FIFO
    path: PathBuf,
    /// Write into FILE too, which may be another FIFO; may be given several times
    #[arg(long, value_name = "FILE")]
    tee: Vec<PathBuf>,
    /// Add to the files instead of replacing what they hold when the first writer comes
    #[arg(short, long)]
    append: bool,
    /// Go on when the last writer has left, until SIGINT, SIGTERM or SIGHUP, or the timeout
    #[arg(long)]
    keep_open: bool,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    ready: ready::Args,
}

/// How much one read(2) may bring.
const BUFFER: usize = 256 * 1024;

/// What came.
#[derive(Serialize)]
pub struct Received {
    pub bytes: u64,
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "received {} bytes", self.bytes)
    }
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    stdout_is_open()?;
    fifo::check_path(&args.path)?;
    outputs::refuse_loop(&args.path, &args.tee)?;
    // Before the FIFO: what a writer could put into it would be lost if an output could not be opened.
    let mut outputs = Outputs::open(&args.tee, args.append, args.patience)?;
    // Before writers can come in, for what they have written is not to be lost.
    let shutdown = if args.keep_open { Shutdown::on_signals(|| ())? } else { Shutdown::default() };
    let mut fifo = Inlet::new(fifo::open_reader(&args.path)?, &args.path)?;
    fifo.heed(&shutdown)?;
    fifo.heed_stdout()?;
    args.ready.waiting(format_args!("fifo {}", escaped(args.path.as_os_str().as_encoded_bytes())));
    let somebody_came = fifo.wait(&args.patience)?;
    if !somebody_came {
        return Ok(());
    }
    outputs.begin()?;
    let mut buffer = vec![0; BUFFER];
    while !shutdown.is_requested() {
        match fifo.read(&mut buffer)? {
            Ready::Done(0) if !args.keep_open => break,
            Ready::Done(0) | Ready::NotYet => _ = fifo.wait(&args.patience)?,
            Ready::Done(count) => outputs.write_all(&buffer[..count])?,
        }
    }
    if shutdown.is_requested() {
        drain(&fifo, &mut buffer, &mut outputs)?;
    }
    let received = Received { bytes: outputs.bytes() };
    outputs.close()?;
    out.beside(&received)
}

/// What writers have been told is written when the signal comes is not lost: at most a full pipe.
fn drain(fifo: &Inlet, buffer: &mut [u8], outputs: &mut Outputs) -> anyhow::Result<()> {
    let mut left = fifo.capacity()?;
    while left > 0 {
        let most = left.min(buffer.len());
        match fifo.read(&mut buffer[..most])? {
            Ready::Done(0) | Ready::NotYet => break,
            Ready::Done(count) => {
                outputs.write_all(&buffer[..count])?;
                left -= count;
            }
        }
    }
    Ok(())
}
