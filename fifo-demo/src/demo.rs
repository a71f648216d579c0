//! The note's shell session: `tee` waits on a FIFO, `cat` writes into it, and both see the same bytes.
//!
//! The two are real processes that have nothing in common but the path. Whichever comes first waits in
//! open(2) for the other; the end of `cat` is the end of file of `tee`.
//!
//! Note: 管道 ("mkfifo -m 644 myfifo"). Go: `syscall.Mkfifo`. Man: fifo(7), mkfifo(1), tee(1).

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use shared::harness::report::Report;
use shared::linux::child::{Child, Children};
use shared::linux::scratch;

use crate::make;
use crate::patience::Patience;

const TEE: &str = "tee dst.log < myfifo";
const CAT: &str = "cat src.log > myfifo";
pub const SOURCE: &[u8] = b"12345\n";

/// What came of the session.
pub struct Session {
    /// What tee printed.
    pub screen: Vec<u8>,
    /// dst.log.
    pub copy: Vec<u8>,
    /// What is left at `myfifo`, through which the bytes went.
    pub is_fifo: bool,
    pub mode: u32,
    pub size: u64,
}

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut tell = |bytes: &[u8]| {
        out.payload(bytes)?;
        out.flush()
    };
    let session = scratch::with("fifo-demo", |folder, children| session(folder, children, &mut tell))?;
    ensure!(session.copy == SOURCE, "dst.log is not what src.log was");
    Ok(())
}

pub fn session(
    folder: &Path,
    children: &Children,
    tell: &mut impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<Session> {
    let (source, fifo, copy) = (folder.join("src.log"), folder.join("myfifo"), folder.join("dst.log"));
    fs::write(source, SOURCE).context("write src.log")?;

    tell(b"$ mkfifo -m 644 myfifo\n")?;
    make::mkfifo(&fifo, Some(0o644))?;

    tell(format!("$ {TEE} &\n").as_bytes())?;
    let mut tee = start(children, folder, TEE, Stdio::piped())?;
    tell(format!("[1] {}\n", tee.id()).as_bytes())?;

    tell(format!("$ {CAT}\n").as_bytes())?;
    let cat = start(children, folder, CAT, Stdio::null())?;

    let screen = tee.stdout.take().context("tee has no stdout")?;
    let screen = show(&OwnedFd::from(screen).into(), tell)?;
    // First the one whose end was seen: had it failed, the other might wait for it for ever.
    tee.succeed(TEE)?;
    cat.succeed(CAT)?;
    tell(format!("[1]+  Done                    {TEE}\n").as_bytes())?;

    tell(b"$ cat dst.log\n")?;
    let copy = fs::read(copy).context("read dst.log")?;
    tell(&copy)?;

    tell(b"$ stat -c '%F %a %s' myfifo\n")?;
    let file = fs::metadata(fifo).context("stat myfifo")?;
    let (is_fifo, mode, size) = (file.file_type().is_fifo(), file.permissions().mode() & 0o7777, file.len());
    tell(format!("{} {mode:o} {size}\n", if is_fifo { "fifo" } else { "no fifo" }).as_bytes())?;
    Ok(Session { screen, copy, is_fifo, mode, size })
}

/// A command line of the session. The shell opens the FIFO, as it does for the note, and then becomes the
/// command (`exec`), so that the process is one and is ours.
fn start(children: &Children, folder: &Path, line: &str, stdout: Stdio) -> anyhow::Result<Child> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("exec {line}")).current_dir(folder);
    children.spawn(shell.stdin(Stdio::null()).stdout(stdout))
}

/// Whatever `tee` prints, until it has printed all.
fn show(screen: &File, tell: &mut impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<Vec<u8>> {
    let patience = Patience::of(Duration::from_secs(10));
    let mut all = Vec::new();
    patience.read_to_end(screen, &mut [0; 1024], "tee", "tee to print", |bytes| {
        all.extend_from_slice(bytes);
        tell(bytes)
    })?;
    Ok(all)
}
