//! The note's stories, as its two Go programs tell them: echo, ps aux piped into grep, and 26 letters
//! through a pipe of the kernel's and through one in memory.
//!
//! Note: 管道. Go: apipe.go, npipe.go.

use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, anyhow};
use shared::harness::report::Report;
use shared::linux::sleeper::check_proc;
use shared::linux::stdio::detail;
use shared::linux::thread::spawn;

use crate::memory_pipe::pipe::pipe;
use crate::pipeline::{self, Link, Stage};
use crate::run::{self, By};
use crate::status::{self, StageEnded};
use shared::harness::story;
use shared::linux::child::Children;

/// The stories end by then.
const DEADLINE: Duration = Duration::from_secs(30);

const FIVE: NonZeroUsize = NonZeroUsize::new(5).unwrap();
const SIZE_OF_BUFIO: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

const GREETING: &str = "My first command comes from Rust.";
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut out = out.for_thread();
    story::tell(DEADLINE, &Children::helpers(), move |children| {
        echo(children, "", By::Buffer(FIVE), &mut out)?;
        echo(children, ", read by line", By::Line(SIZE_OF_BUFIO), &mut out)?;
        ps_into_grep(children, &mut out)?;
        let (mut reader, mut writer) = io::pipe().context("pipe")?;
        let write = move |letters: &[u8]| writer.write_all(letters);
        through_pipe(&mut out, "file-based pipe", write, |letters| reader.read_to_end(letters))?;
        let (reader, writer) = pipe();
        let write = move |letters: &[u8]| (&writer).write_all(letters);
        through_pipe(&mut out, "in-memory pipe", write, |letters| (&reader).read_to_end(letters))
    })
}

/// `echo -n TEXT`: an argument is given as it is, no shell looks at it.
fn echo(children: &Children, how: &str, by: By, out: &mut Report) -> anyhow::Result<()> {
    out.line(format_args!("Run command `echo -n \"{GREETING}\"`{how}: "))?;
    let mut echo = children.spawn(Command::new("echo").args(["-n", GREETING]).stdout(Stdio::piped()))?;
    let status = run::read_output(&mut echo, by, |piece| {
        detail(format_args!("read {} bytes: {:?}", piece.len(), String::from_utf8_lossy(piece)));
        out.payload(piece)
    })?;
    out.line(format_args!("\n"))?;
    status::check(status::code(status))
}

/// Both run at once, so grep may find itself. That it finds nothing is no failure.
fn ps_into_grep(children: &Children, out: &mut Report) -> anyhow::Result<()> {
    check_proc()?; // ps reads it.
    out.line(format_args!("Run command `ps aux | grep pipe-demo`: "))?;
    let stages = [Stage::new(&["ps", "aux"]), Stage::new(&["grep", "pipe-demo"])];
    let ended = pipeline::execute(children, &stages, Link::Pump)?;
    status::check(ended.first().map_or(0, StageEnded::code))?;
    status::check(ended.last().map_or(0, StageEnded::code).saturating_sub(1))?;
    out.line(format_args!(""))
}

/// One thread writes the letters, another reads them to the end.
fn through_pipe(
    out: &mut Report,
    pipe: &str,
    write: impl FnOnce(&[u8]) -> io::Result<()> + Send + 'static,
    read: impl FnOnce(&mut Vec<u8>) -> io::Result<usize>,
) -> anyhow::Result<()> {
    let writing = spawn(move || write(ALPHABET))?;
    let read = read(&mut Vec::new()).context("read the pipe")?;
    writing.join().map_err(|_| anyhow!("the writer panicked"))?.context("write the pipe")?;
    out.line(format_args!("Written {} byte(s). [{pipe}]", ALPHABET.len()))?;
    out.line(format_args!("Read {read} byte(s). [{pipe}]"))
}
