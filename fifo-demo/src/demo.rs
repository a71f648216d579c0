//! The note's shell session: `tee` waits on a FIFO, `cat` writes into it, and both see the same bytes.
//!
//! The two are real processes that have nothing in common but the path. Whichever comes first waits in
//! open(2) for the other; the end of `cat` is the end of file of `tee`.
//!
//! Note: 管道 ("mkfifo -m 644 myfifo"). Go: `syscall.Mkfifo`. Man: fifo(7), mkfifo(1), tee(1).

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use shared::readiness::Ready;
use shared::report::Report;

use crate::inlet::Inlet;
use crate::make;
use crate::patience::Patience;
use crate::process::Process;
use crate::scratch::{self, Scratch};

const TEE: &str = "tee dst.log < myfifo";
const CAT: &str = "cat src.log > myfifo";

pub fn run(out: &mut Report) -> anyhow::Result<()> {
    scratch::with(|scratch| session(scratch, out))
}

fn session(scratch: &Scratch, out: &mut Report) -> anyhow::Result<()> {
    fs::write(scratch.path("src.log"), "12345\n").context("write src.log")?;

    out.line(format_args!("$ mkfifo -m 644 myfifo"))?;
    make::mkfifo(&scratch.path("myfifo"), Some(0o644))?;

    out.line(format_args!("$ {TEE} &"))?;
    let mut tee = start(scratch, TEE, Stdio::piped())?;
    out.line(format_args!("[1] {}", tee.id()))?;

    out.line(format_args!("$ {CAT}"))?;
    let cat = start(scratch, CAT, Stdio::null())?;

    let screen = tee.stdout().context("tee has no stdout")?;
    show(Inlet::new(screen, "tee")?, scratch, out)?;
    // First the one whose end was seen: had it failed, the other might wait for it for ever.
    tee.finish()?;
    cat.finish()?;
    out.line(format_args!("[1]+  Done                    {TEE}"))?;

    out.line(format_args!("$ cat dst.log"))?;
    let copy = fs::read(scratch.path("dst.log")).context("read dst.log")?;
    out.payload(&copy)?;
    out.flush()?;
    ensure!(copy == b"12345\n", "dst.log is not what src.log was");
    Ok(())
}

/// A command line of the session. The shell opens the FIFO, as it does for the note, and then becomes the
/// command (`exec`), so that the process is one and is ours.
fn start(scratch: &Scratch, line: &str, stdout: Stdio) -> anyhow::Result<Process> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("exec {line}")).current_dir(scratch.folder());
    Process::start(shell.stdin(Stdio::null()).stdout(stdout), line)
}

/// Whatever `tee` prints, until it has printed all.
fn show(mut screen: Inlet, scratch: &Scratch, out: &mut Report) -> anyhow::Result<()> {
    let patience = Patience::of(Duration::from_secs(10));
    screen.heed(scratch.shutdown())?;
    let mut buffer = [0; 4096];
    loop {
        match screen.read(&mut buffer)? {
            Ready::Done(0) => return Ok(()),
            Ready::Done(count) => out.payload(&buffer[..count])?,
            Ready::NotYet => _ = screen.wait(&patience)?,
        }
        scratch.check()?;
    }
}
