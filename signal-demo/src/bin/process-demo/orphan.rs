//! Who becomes the parent of a process whose parent has ended.
//!
//! Not always the first process, as the note has it, but the nearest ancestor that has asked for orphans, a
//! "child subreaper", and only then the first of the PID namespace (claim 13).
//!
//! Note: 进程的衍生 ("收养"). Go: `os.Getppid`. Man: PR_SET_CHILD_SUBREAPER in prctl(2), wait(2).

use std::fmt::Write;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::process;

use anyhow::{Context, ensure};
use libc::{WEXITED, pid_t};
use nix::sys::prctl;
use nix::unistd::{self, Pid};
use serde::Serialize;
use shared::harness::claims::{Check, Seen};
use shared::harness::report::Report;

use super::answer::{await_turn, give_turn, tell, telling, told};
use super::namespace;
use super::possible::cannot_show;
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

pub const CHECKS: &[Check] = &[(13, the_first_or_a_subreaper_adopts), (22, a_daemon_is_found_by_its_ppid)];

#[derive(Serialize)]
struct Record {
    pid: pid_t,
    ppid_before: pid_t,
    ppid_after: pid_t,
    /// Nothing where the adopter lies outside of this PID namespace, or /proc hides it.
    adopter: Option<String>,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    become_subreaper(args.subreaper)?;
    let orphan = Orphan::adopted(|| Ok(()))?;
    let &Orphan { pid, ppid_before, ppid_after, .. } = &orphan;
    let is_seen = ppid_after != 0 && !proc::hides(ppid_after)?;
    let adopter = is_seen.then(|| proc::stat(ppid_after)).transpose()?.map(|stat| stat.name.display().to_string());
    orphan.end()?;
    out.pairs(&Record { pid, ppid_before, ppid_after, adopter })
}

/// With it, this program adopts those below it that lose their parents.
pub fn become_subreaper(yes: bool) -> anyhow::Result<()> {
    prctl::set_child_subreaper(yes).map_err(io::Error::from).context("PR_SET_CHILD_SUBREAPER")
}

/// A process whose parent has ended. It ends when this is dropped.
pub struct Orphan {
    pub pid: pid_t,
    pub ppid_before: pid_t,
    pub ppid_after: pid_t,
    identity: PipeReader,
    ask: PipeWriter,
}

impl Orphan {
    // ANCHOR: adopt
    /// It does as it is told by `prepare` while its parent still lives, which is a child of ours.
    pub fn adopted(prepare: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Orphan> {
        let (identity, answer) = io::pipe().context("pipe")?;
        let ((parents_turn, end_parent), (orphans_turn, ask)) =
            (io::pipe().context("pipe")?, io::pipe().context("pipe")?);

        let parent = Child::fork(|| {
            child::close_copy(&end_parent)?;
            child::close_copy(&ask)?;
            child::fork(|| {
                prepare()?;
                tell_parent_twice(&answer, &orphans_turn)
            })?;
            await_turn(&parents_turn)?;
            Ok(())
        })?;
        drop(answer);
        let [pid, ppid_before] = told(&identity)?;
        ensure!(ppid_before == parent.pid(), "process {pid} has the parent {ppid_before}, not {}", parent.pid());

        give_turn(&end_parent)?;
        parent.succeed()?;
        give_turn(&ask)?;
        let [_, ppid_after] = told(&identity)?;
        Ok(Orphan { pid, ppid_before, ppid_after, identity, ask })
    }
    // ANCHOR_END: adopt

    /// Who adopted it reaps it. When it ends, so does the pipe that only it still holds.
    pub fn end(mut self) -> anyhow::Result<()> {
        drop(self.ask);
        self.identity.read_to_end(&mut Vec::new()).context("wait for the orphan")?;
        if self.ppid_after == process::id().cast_signed() {
            child::waitid(self.pid, WEXITED).with_context(|| format!("wait for process {}", self.pid))?;
        }
        Ok(())
    }
}

/// The grandchild. Nobody sees to its end: it sees to it itself, when its turn cannot come any more.
fn tell_parent_twice(answer: &PipeWriter, turn: &PipeReader) -> anyhow::Result<()> {
    tell_identity(answer)?;
    while await_turn(turn)? {
        tell_identity(answer)?;
    }
    Ok(())
}

fn tell_identity(answer: &PipeWriter) -> anyhow::Result<()> {
    Ok(tell(answer, &[unistd::getpid(), unistd::getppid()].map(Pid::as_raw))?)
}

/// Where a subreaper stands above us that of a PID namespace of our own is the first.
fn the_first_or_a_subreaper_adopts() -> anyhow::Result<Seen> {
    let by_default = adopter()?;
    become_subreaper(true)?;
    let (us, subreaper) = (process::id().cast_signed(), adopter()?);
    let mut evidence = format!("adopted by {by_default}; once {us} has set PR_SET_CHILD_SUBREAPER, by {subreaper}");
    let first = if by_default == 1 { 1 } else { adopter_in_a_namespace(by_default)? };
    if by_default != 1 {
        write!(evidence, "; in a PID namespace of our own, by {first}")?;
    }
    Ok(Seen::imprecise(first == 1, subreaper == us && us != 1, evidence))
}

fn adopter() -> anyhow::Result<pid_t> {
    let orphan = Orphan::adopted(|| Ok(()))?;
    let adopter = orphan.ppid_after;
    orphan.end()?;
    Ok(adopter)
}

fn adopter_in_a_namespace(by_default: pid_t) -> anyhow::Result<pid_t> {
    let why = |error| cannot_show(&format!("process {by_default}, which is above us, adopts"), &error);
    namespace::unshare().map_err(why)?;
    let (first, answer) = telling(|teller| {
        let orphan = Orphan::adopted(|| Ok(()))?;
        tell(teller, &[orphan.ppid_after])?;
        orphan.end()
    })?;
    first.succeed()?;
    let [adopter] = told(&answer)?;
    Ok(adopter)
}

/// Started as daemons are, in a session of its own, by a process that has ended since.
fn a_daemon_is_found_by_its_ppid() -> anyhow::Result<Seen> {
    let daemon = Orphan::adopted(|| {
        unistd::setsid().map_err(io::Error::from).context("setsid")?;
        Ok(())
    })?;
    let &Orphan { pid, ppid_before, ppid_after, .. } = &daemon;
    let adopted = proc::stats()?;
    let found = adopted.iter().filter(|stat| stat.ppid == ppid_after && stat.sid == stat.pid);
    let found: Vec<pid_t> = found.map(|stat| stat.pid).collect();
    daemon.end()?;
    let is_found = found.contains(&pid);
    let among = if is_found { "it is among" } else { "it is not among" };
    let evidence = format!(
        "daemon {pid}, started by {ppid_before}, has PPID {ppid_after}; {among} the session leaders with that PPID ({})",
        found.len(),
    );
    Ok(Seen::holds(is_found && ppid_after != ppid_before, evidence))
}
