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
use shared::harness::claims::{Check, Seen};
use shared::harness::report::Report;
use shared::linux::readiness::Ready;

use crate::recv::inlet::Inlet;
use crate::make;
use crate::patience::Patience;
use crate::scratch::{self, Process, Scratch};

const TEE: &str = "tee dst.log < myfifo";
const CAT: &str = "cat src.log > myfifo";
const SOURCE: &[u8] = b"12345\n";

pub const CHECKS: &[Check] = &[(88, what_tee_got)];

/// What tee made of it.
struct Copied {
    screen: Vec<u8>,
    file: Vec<u8>,
}

pub fn run(out: &mut Report) -> anyhow::Result<()> {
    scratch::with(|scratch| {
        let copied = session(scratch, &mut |bytes| {
            out.payload(bytes)?;
            out.flush()
        })?;
        ensure!(copied.file == SOURCE, "dst.log is not what src.log was");
        Ok(())
    })
}

fn what_tee_got() -> anyhow::Result<Seen> {
    let copied = scratch::looked_after(|scratch| session(scratch, &mut |_| Ok(())))?;
    let [screen, file] = [&copied.screen, &copied.file].map(|bytes| String::from_utf8_lossy(bytes));
    let as_noted = copied.screen == SOURCE && copied.file == SOURCE;
    Ok(Seen::holds(as_noted, format!("on the screen {}, in dst.log {}", screen.trim_end(), file.trim_end())))
}

fn session(scratch: &Scratch, tell: &mut impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<Copied> {
    fs::write(scratch.path("src.log"), SOURCE).context("write src.log")?;

    tell(b"$ mkfifo -m 644 myfifo\n")?;
    make::mkfifo(&scratch.path("myfifo"), Some(0o644))?;

    tell(format!("$ {TEE} &\n").as_bytes())?;
    let mut tee = start(scratch, TEE, Stdio::piped())?;
    tell(format!("[1] {}\n", tee.child.id()).as_bytes())?;

    tell(format!("$ {CAT}\n").as_bytes())?;
    let cat = start(scratch, CAT, Stdio::null())?;

    let screen = tee.child.stdout.take().context("tee has no stdout")?;
    let screen = show(Inlet::new(screen, "tee")?, scratch, tell)?;
    // First the one whose end was seen: had it failed, the other might wait for it for ever.
    tee.finish()?;
    cat.finish()?;
    tell(format!("[1]+  Done                    {TEE}\n").as_bytes())?;

    tell(b"$ cat dst.log\n")?;
    let file = fs::read(scratch.path("dst.log")).context("read dst.log")?;
    tell(&file)?;
    Ok(Copied { screen, file })
}

/// A command line of the session. The shell opens the FIFO, as it does for the note, and then becomes the
/// command (`exec`), so that the process is one and is ours.
fn start(scratch: &Scratch, line: &str, stdout: Stdio) -> anyhow::Result<Process> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("exec {line}")).current_dir(scratch.folder());
    scratch.start(shell.stdin(Stdio::null()).stdout(stdout), line)
}

/// Whatever `tee` prints, until it has printed all.
fn show(
    mut screen: Inlet,
    scratch: &Scratch,
    tell: &mut impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<u8>> {
    let patience = Patience::of(Duration::from_secs(10));
    screen.heed(scratch.shutdown())?;
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match screen.read(&mut buffer)? {
            Ready::Done(0) => return Ok(all),
            Ready::Done(count) => {
                tell(&buffer[..count])?;
                all.extend_from_slice(&buffer[..count]);
            }
            Ready::NotYet => _ = screen.wait(&patience)?,
        }
        scratch.check()?;
    }
}
