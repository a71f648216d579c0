//! Who becomes the parent of a process whose parent has ended.
//!
//! Not always the first process, as the note has it, but the nearest ancestor that has asked for orphans, a
//! "child subreaper", and only then the first of the PID namespace (claim 13).
//!
//! Note: 进程的衍生 ("收养"). Go: `os.Getppid`. Man: PR_SET_CHILD_SUBREAPER in prctl(2), wait(2).

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::process;

use anyhow::{Context, ensure};
use libc::{WEXITED, pid_t};
use nix::sys::prctl;
use nix::unistd;
use serde::Serialize;
use shared::readiness;
use shared::report::Report;

use crate::child::{self, Child};
use crate::proc;

#[derive(clap::Args)]
pub struct Args {
    /// Have this program adopt the orphan
    #[arg(long)]
    subreaper: bool,
    /// Print JSON lines
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Record {
    pid: pid_t,
    ppid_before: pid_t,
    ppid_after: pid_t,
    /// Nothing where the adopter lies outside of this PID namespace.
    adopter: Option<String>,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    prctl::set_child_subreaper(args.subreaper).map_err(io::Error::from).context("PR_SET_CHILD_SUBREAPER")?;
    let (mut identity, answer) = io::pipe().context("pipe")?;
    let ((parents_turn, mut end_parent), (orphans_turn, mut ask_orphan)) =
        (io::pipe().context("pipe")?, io::pipe().context("pipe")?);

    let parent = Child::fork(|| {
        child::close_copy(&end_parent)?;
        child::close_copy(&ask_orphan)?;
        child::fork(|| tell_parent_twice(&answer, &orphans_turn))?;
        await_turn(&parents_turn).map(drop)
    })?;
    drop(answer);
    let (pid, ppid_before) = read_identity(&mut identity)?;
    ensure!(ppid_before == parent.pid(), "process {pid} has the parent {ppid_before}, not {}", parent.pid());

    end_parent.write_all(b"!").context("end the parent")?;
    parent.succeed()?;
    ask_orphan.write_all(b"!").context("ask the orphan")?;
    let (_, ppid_after) = read_identity(&mut identity)?;
    let adopter = if ppid_after == 0 { None } else { Some(proc::stat(ppid_after)?.name) };
    await_end(identity, pid, ppid_after)?;
    out.pairs(&Record { pid, ppid_before, ppid_after, adopter })
}

/// The grandchild. Nobody sees to its end: it sees to it itself, when its turn cannot come any more.
fn tell_parent_twice(answer: &PipeWriter, turn: &PipeReader) -> anyhow::Result<()> {
    tell_identity(answer)?;
    if await_turn(turn)? { tell_identity(answer) } else { Ok(()) }
}

fn tell_identity(mut answer: &PipeWriter) -> anyhow::Result<()> {
    let ids = [unistd::getpid(), unistd::getppid()].map(|pid| pid.as_raw().to_ne_bytes());
    Ok(answer.write_all(ids.as_flattened())?)
}

fn read_identity(from: &mut PipeReader) -> anyhow::Result<(pid_t, pid_t)> {
    let mut ids = [[0; size_of::<pid_t>()]; 2];
    from.read_exact(ids.as_flattened_mut()).context("read the orphan's PID and PPID")?;
    Ok((pid_t::from_ne_bytes(ids[0]), pid_t::from_ne_bytes(ids[1])))
}

/// Whether the turn came; not if this program has ended.
fn await_turn(mut turn: &PipeReader) -> anyhow::Result<bool> {
    Ok(readiness::restart(|| turn.read(&mut [0]))? > 0)
}

/// Who adopted it reaps it. When it ends, so does the pipe that only it still holds.
fn await_end(mut identity: PipeReader, orphan: pid_t, adopter: pid_t) -> anyhow::Result<()> {
    identity.read_to_end(&mut Vec::new()).context("wait for the orphan")?;
    if adopter == process::id().cast_signed() {
        child::waitid(orphan, WEXITED).with_context(|| format!("wait for process {orphan}"))?;
    }
    Ok(())
}
