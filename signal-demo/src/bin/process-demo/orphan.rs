//! Who becomes the parent of a process whose parent has ended.
//!
//! Not always the first process, as the note has it, but the nearest ancestor that has asked for orphans, a
//! "child subreaper", and only then the first of the PID namespace (claim 13).
//!
//! Note: 进程的衍生 ("收养"), 进程的标识 ("守护进程"). Go: `os.Getppid`. Man: PR_SET_CHILD_SUBREAPER in prctl(2),
//! setsid(2), wait(2).

use std::io::{self, PipeReader, PipeWriter, Read};
use std::process;

use anyhow::{Context, ensure};
use libc::{WEXITED, pid_t};
use nix::unistd::{self, Pid};
use serde::{Deserialize, Serialize};
use shared::harness::report::Report;
use shared::harness::showing::Showing;
use shared::linux::child::answer::{await_turn, give_turn, tell, telling, told};
use shared::linux::child::event::waitid;
use shared::linux::child::forked::{Forked, become_subreaper, close_copy, fork};
use shared::linux::failure::if_shown;
use shared::linux::proc;

use crate::namespace::with_own_pids;

#[derive(clap::Args)]
pub struct Args {
    /// Have this program adopt the orphan
    #[arg(long)]
    subreaper: bool,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut showing = Showing::new(out);
    showing.record("orphan", adoption(args.subreaper))?;
    showing.record("daemon", daemon())?;
    showing.record("orphan in a PID namespace", adoption_in_a_namespace())?;
    showing.finish()
}

#[derive(Serialize)]
pub struct Adoption {
    pub pid: pid_t,
    pub ppid_before: pid_t,
    pub ppid_after: pid_t,
    /// Nothing where the adopter lies outside of this PID namespace, or /proc hides it.
    pub adopter: Option<String>,
}

/// By whoever is there to adopt, or by this process.
pub fn adoption(by_us: bool) -> anyhow::Result<Adoption> {
    become_subreaper(by_us)?;
    let orphan = Orphan::adopted(|| Ok(()))?;
    become_subreaper(false)?;
    let Orphan { pid, ppid_before, ppid_after, .. } = orphan;
    let adopter = match ppid_after {
        0 => None,
        pid => if_shown(proc::stat(pid))?.map(|stat| stat.name.display().to_string()),
    };
    orphan.end()?;
    Ok(Adoption { pid, ppid_before, ppid_after, adopter })
}

/// Started as daemons are, in a session of its own, by a process that has ended since.
#[derive(Serialize)]
pub struct Found {
    pub pid: pid_t,
    pub ppid_before: pid_t,
    pub ppid_after: pid_t,
    /// The leaders of sessions that have this PPID, as daemons have.
    pub session_leaders: usize,
    pub is_among_them: bool,
}

pub fn daemon() -> anyhow::Result<Found> {
    // ANCHOR: daemon
    let daemon = Orphan::adopted(|| {
        unistd::setsid().context("setsid")?;
        Ok(())
    })?;
    let Orphan { pid, ppid_before, ppid_after, .. } = daemon;
    let stats = proc::stats()?;
    let is_leader = |stat: &&proc::Stat| stat.ppid == ppid_after && stat.sid == stat.pid;
    let leaders = || stats.iter().filter(is_leader);
    let found = Found {
        pid,
        ppid_before,
        ppid_after,
        session_leaders: leaders().count(),
        is_among_them: leaders().any(|stat| stat.pid == pid),
    };
    // ANCHOR_END: daemon
    daemon.end()?;
    Ok(found)
}

#[derive(Serialize, Deserialize)]
pub struct AdoptionInNamespace {
    pub ppid_in_own_namespace: pid_t,
}

/// The adopter, where no subreaper stands above.
pub fn adoption_in_a_namespace() -> anyhow::Result<AdoptionInNamespace> {
    with_own_pids(|| {
        let (first, answer) = telling(|teller| {
            let orphan = Orphan::adopted(|| Ok(()))?;
            tell(teller, &[orphan.ppid_after])?;
            orphan.end()
        })?;
        first.succeed()?;
        let [ppid_in_own_namespace] = told(&answer)?;
        Ok(AdoptionInNamespace { ppid_in_own_namespace })
    })
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
    /// It does as it is told by `prepare` while its parent still lives, which is a child of ours.
    pub fn adopted(prepare: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Orphan> {
        let (identity, answer) = io::pipe().context("pipe")?;
        let ((parents_turn, end_parent), (orphans_turn, ask)) =
            (io::pipe().context("pipe")?, io::pipe().context("pipe")?);

        // ANCHOR: adopt
        let parent = Forked::new(|| {
            close_copy(&ask)?;
            fork(|| {
                prepare()?;
                tell_parent_twice(&answer, &orphans_turn)
            })?;
            close_copy(&answer)?; // Or the end of an orphan that fails would not be noticed.
            await_turn(&parents_turn)?;
            Ok(())
        })?;
        drop(answer);
        let [pid, ppid_before] = told(&identity)?;
        // ANCHOR_END: adopt
        ensure!(ppid_before == parent.pid(), "process {pid} has the parent {ppid_before}, not {}", parent.pid());

        give_turn(&end_parent)?;
        parent.succeed()?;
        give_turn(&ask)?;
        let [_, ppid_after] = told(&identity)?;
        Ok(Orphan { pid, ppid_before, ppid_after, identity, ask })
    }

    /// The adopter reaps it. When it ends, so does the pipe that only it still holds.
    pub fn end(mut self) -> anyhow::Result<()> {
        drop(self.ask);
        self.identity.read_to_end(&mut Vec::new()).context("wait for the orphan")?;
        if self.ppid_after == process::id().cast_signed() {
            waitid(self.pid, WEXITED).with_context(|| format!("wait for process {}", self.pid))?;
        }
        Ok(())
    }
}

/// The grandchild. Nobody ends it: it ends by itself, when its turn cannot come any more.
fn tell_parent_twice(answer: &PipeWriter, turn: &PipeReader) -> anyhow::Result<()> {
    tell_identity(answer)?;
    while await_turn(turn)? {
        tell_identity(answer)?;
    }
    Ok(())
}

/// In a child: its PID and PPID.
pub fn tell_identity(answer: &PipeWriter) -> anyhow::Result<()> {
    Ok(tell(answer, &[unistd::getpid(), unistd::getppid()].map(Pid::as_raw))?)
}
