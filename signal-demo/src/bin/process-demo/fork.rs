//! What a forked child has of its parent: copies of its memory, page by page, as soon as one of them
//! writes; and what exec(2) leaves of a process: its PID.
//!
//! Note: 进程的衍生 ("写时复制", "exec"), 进程的空间 ("共享页框"). Go: none, its programs cannot fork.
//! Man: fork(2), getrusage(2) at ru_minflt, execve(2), process_vm_readv(2).

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, IoSliceMut};
use std::num::NonZeroUsize;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering::SeqCst};

use anyhow::{Context, bail, ensure};
use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid};
use serde::Serialize;
use shared::harness::claims::{Check, Seen, seen};
use shared::harness::report::Report;
use shared::linux::failure::Failure;

use super::child::Teller;
use super::pages::{private_pages, read_each, write_each};
use shared::linux::child::{Children, wait_for};
use shared::linux::gate::Gate;
use shared::linux::memory::{SharedMemory, page_size};
use shared::linux::usage::Usage;

#[derive(clap::Args)]
pub struct Args {
    /// Pages that the parent has written before it forks
    #[arg(long, value_name = "N", default_value = "1000")]
    pages: NonZeroUsize,
}

pub const CHECKS: &[Check] =
    &[(6, many_children), (8, changes_are_invisible), (9, copied_when_written), (10, exec_replaces_memory)];

#[derive(Serialize)]
struct Written {
    memory: &'static str,
    parent_wrote: char,
    child_wrote: char,
    parent_reads: char,
    then_wrote: char,
    sibling_reads: char,
}

#[derive(Serialize)]
struct Copied {
    pages: usize,
    faults_of_reading: i64,
    faults_of_writing: i64,
    faults_of_writing_again: i64,
}

#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "they are printed")]
struct Exec {
    forked_pid: i32,
    pid_after_exec: String,
    /// Of a word each in the data, the heap, the stack and the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    words_left_of_4: Option<usize>,
}

pub fn run(args: &Args, mut out: Report) -> anyhow::Result<()> {
    let children = Children::helpers();
    for record in write_in_child(&children)? {
        out.pairs(&record)?;
    }
    out.pairs(&count_faults(&children, args.pages)?)?;
    out.pairs(&exec_in_child(&children)?)
}

/// They all wait at a gate: so many there are at one time.
fn many_children() -> anyhow::Result<Seen> {
    const MANY: usize = 20;
    const GATE_BROKE: u8 = 2;
    let (children, gate, us) = (Children::helpers(), Gate::new()?, getpid());
    let is_ours = || gate.pass().map_or(GATE_BROKE, |()| u8::from(getppid() != us));
    let fork = || children.fork(is_ours).map_err(limited);
    let forked = (0..MANY).map(|_| fork()).collect::<anyhow::Result<BTreeSet<Pid>>>()?;
    let mut alive = 0;
    for &child in &forked {
        let state = waitpid(child, Some(WaitPidFlag::WNOHANG)).with_context(|| format!("wait for {child}"))?;
        alive += usize::from(state == WaitStatus::StillAlive);
    }
    gate.open(MANY)?;
    let mut ours = 0;
    for child in forked {
        match waitpid(child, None).with_context(|| format!("wait for {child}"))? {
            WaitStatus::Exited(_, code @ (0 | 1)) => ours += usize::from(code == 0),
            status => bail!("child {child} failed: {status:?}"),
        }
    }
    let evidence = format!("{MANY} forks: {alive} children alive at one time, {ours} with our PID as their parent's");
    Ok(Seen::holds(alive == MANY && ours == MANY, evidence))
}

/// RLIMIT_NPROC, or what a container may have.
fn limited(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(Errno::EAGAIN) => Failure::CannotShow("no more processes are allowed".into()).into(),
        _ => error,
    }
}

/// The child writes to both bytes, then the parent does; of the private one each sees its own doing only.
fn write_in_child(children: &Children) -> anyhow::Result<[Written; 2]> {
    let (private, shared) = (AtomicU8::new(b'P'), SharedMemory::new(AtomicU8::new(b'P'))?);
    let bytes = [("private", &private), ("shared", &*shared)];
    let gate = Gate::new()?;
    let sibling = Teller::fork(children, || {
        gate.pass()?;
        Ok(bytes.map(|(_, byte)| byte.load(SeqCst)))
    })?;
    wait_for(children.fork(|| {
        for (_, byte) in bytes {
            byte.store(b'C', SeqCst);
        }
        u8::from(private.load(SeqCst) != b'C')
    })?)?;
    let parent_reads = bytes.map(|(_, byte)| byte.swap(b'Q', SeqCst));
    gate.open(1)?;
    let sibling_reads = sibling.hear()?;
    Ok([0, 1].map(|n| Written {
        memory: bytes[n].0,
        parent_wrote: 'P',
        child_wrote: 'C',
        parent_reads: parent_reads[n].into(),
        then_wrote: 'Q',
        sibling_reads: sibling_reads[n].into(),
    }))
}

fn changes_are_invisible() -> anyhow::Result<Seen> {
    let [private, shared] = write_in_child(&Children::helpers())?;
    let invisible = (private.parent_reads, private.sibling_reads) == ('P', 'P');
    let visible = (shared.parent_reads, shared.sibling_reads) == ('C', 'Q');
    let evidence = format!(
        "{} written by a child, then {} by the parent: private, the parent reads {} and a sibling {}; shared, {} and {}",
        private.child_wrote,
        private.then_wrote,
        private.parent_reads,
        private.sibling_reads,
        shared.parent_reads,
        shared.sibling_reads,
    );
    Ok(Seen::imprecise(invisible, visible, evidence))
}

// ANCHOR: faults
/// The child reads all pages, which copies none; writes to all, which copies each; and writes again.
fn count_faults(children: &Children, count: NonZeroUsize) -> anyhow::Result<Copied> {
    let page = page_size()?;
    let pages = private_pages(count.checked_mul(page).context("so many pages are more than memory has addresses")?)?;
    let page = page.get();
    write_each(pages, page);
    let faults = SharedMemory::new([const { AtomicI64::new(0) }; 3])?;
    wait_for(children.fork(|| {
        let steps: [fn(&mut [u8], usize); 3] = [|pages, page| read_each(pages, page), write_each, write_each];
        let mut steps = steps.into_iter().zip(faults.iter());
        let counted = steps.try_for_each(|(step, counted)| {
            let before = minor_faults()?;
            step(pages, page);
            counted.store(minor_faults()? - before, SeqCst);
            anyhow::Ok(())
        });
        u8::from(counted.is_err())
    })?)?;
    let [faults_of_reading, faults_of_writing, faults_of_writing_again] =
        std::array::from_fn(|step| faults[step].load(SeqCst));
    Ok(Copied { pages: count.get(), faults_of_reading, faults_of_writing, faults_of_writing_again })
}
// ANCHOR_END: faults

fn minor_faults() -> anyhow::Result<i64> {
    Ok(Usage::now()?.faults)
}

fn copied_when_written() -> anyhow::Result<Seen> {
    let copied = count_faults(&Children::helpers(), NonZeroUsize::MIN.saturating_add(999))?;
    let pages = i64::try_from(copied.pages)?;
    let few = |faults| faults < pages / 10;
    let each_once = few(copied.faults_of_reading) && few(copied.faults_of_writing - pages);
    let each_once = each_once && copied.faults_of_writing >= pages && few(copied.faults_of_writing_again);
    Ok(Seen::holds(each_once, seen(&copied)))
}

/// In the data.
static WORD: AtomicU64 = AtomicU64::new(0x6461_7461);

// ANCHOR: exec
/// The child becomes a shell, which prints its PID, and stays until its stdin ends.
fn exec_in_child(children: &Children) -> anyhow::Result<Exec> {
    let (heap, stack) = (Box::new(AtomicU64::new(0x6865_6170)), AtomicU64::new(0x73_7461_636b));
    let code = exec_in_child as fn(&Children) -> anyhow::Result<Exec> as *const ();
    let places = [WORD.as_ptr().addr(), heap.as_ptr().addr(), stack.as_ptr().addr(), code.addr()];
    let gate = Gate::new()?;
    let ((stays, ends), (told, tell)) = (io::pipe().context("pipe")?, io::pipe().context("pipe")?);
    let mut shell = Command::new("sh");
    shell.args(["-c", "echo $$; read line || :"]).stdin(Stdio::from(stays)).stdout(Stdio::from(tell));
    let child = children.fork(|| {
        if gate.pass().is_ok() {
            let _ = shell.exec(); // Returns only when it failed.
        }
        127
    })?;
    drop(shell); // Our ends of its pipes are in it.
    let before = words_of(child, places)?;
    ensure!(before.is_none_or(|words| words.iter().all(Option::is_some)), "the child lacks what it was forked with");
    gate.open(1)?;
    let mut printed = String::new();
    BufReader::new(told).read_line(&mut printed).context("read the shell's stdout")?;
    let after = words_of(child, places)?;
    drop(ends);
    wait_for(child)?;
    let left =
        |(before, after): (Words, Words)| (0..4).filter(|&n| before[n].is_some() && before[n] == after[n]).count();
    let words_left_of_4 = before.zip(after).map(left);
    Ok(Exec { forked_pid: child.as_raw(), pid_after_exec: printed.trim_end().to_owned(), words_left_of_4 })
}
// ANCHOR_END: exec

type Words = [Option<u64>; 4];

/// What a child has at our addresses, if we may know.
fn words_of(child: Pid, places: [usize; 4]) -> anyhow::Result<Option<Words>> {
    let mut words = [None; 4];
    for (word, base) in words.iter_mut().zip(places) {
        let mut bytes = [0; 8];
        match process_vm_readv(child, &mut [IoSliceMut::new(&mut bytes)], &[RemoteIoVec { base, len: 8 }]) {
            Ok(_) => *word = Some(u64::from_ne_bytes(bytes)),
            Err(Errno::EFAULT) => (),
            Err(Errno::EPERM | Errno::ENOSYS) => return Ok(None),
            Err(error) => return Err(io::Error::from(error)).context("process_vm_readv"),
        }
    }
    Ok(Some(words))
}

fn exec_replaces_memory() -> anyhow::Result<Seen> {
    let exec = exec_in_child(&Children::helpers())?;
    let left = exec.words_left_of_4.ok_or_else(|| Failure::CannotShow("process_vm_readv(2) is refused".into()))?;
    let same_process = exec.pid_after_exec == exec.forked_pid.to_string();
    let evidence = format!(
        "forked as PID {}, after exec PID {}; of a word each in data, heap, stack and code {left} left",
        exec.forked_pid, exec.pid_after_exec
    );
    Ok(Seen::holds(same_process && left == 0, evidence))
}
