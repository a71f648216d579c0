//! The story of a process, from fork to wait, in the note's order.
//!
//! Nothing is left to time: each line is printed when what it says has been seen.
//!
//! Note: 进程的定义, 进程. Go: none, its programs cannot fork. Man: fork(2), execve(2), waitid(2), proc_pid_stat(5).

use std::fmt;
use std::hint::spin_loop;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter};
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use anyhow::Context;
use libc::{WCONTINUED, WEXITED, WNOWAIT, WSTOPPED};
use nix::sys::signal::Signal;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::child::answer::{await_turn, give_turn, tell, telling, told};
use shared::linux::memory::SharedMemory;
use shared::linux::proc;

use crate::orphan::tell_identity;
use crate::states::settled::becomes;
use crate::states::zombie::switches;

#[derive(clap::Args)]
pub struct Args {}

/// A heading of the note, and what was seen.
#[derive(Serialize)]
struct Line {
    heading: &'static str,
    seen: String,
}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut say = |heading, seen: fmt::Arguments<'_>| out.record(&Line { heading, seen: seen.to_string() });
    let (turn, give) = io::pipe().context("pipe")?;
    let (private, shared) = (AtomicU8::new(b'P'), SharedMemory::new(AtomicU8::new(b'P'))?);
    let (mut child, answer) = telling(|teller| life(&private, &shared, &turn, teller))?;
    let (us, pid) = (process::id(), child.pid());
    let [itself, parent] = told(&answer)?;
    say("进程的衍生", format_args!("process {us} forks; fork(2) returns {pid} to it"))?;
    say("进程的标识", format_args!("the child's PID is {itself}, its PPID {parent}"))?;

    say("进程的状态", format_args!("{}, it waits at a pipe", becomes(pid, 'S')?))?;
    give_turn(&give)?;
    let [_] = told(&answer)?;
    say("进程的状态", format_args!("{}, it computes", becomes(pid, 'R')?))?;
    child.signal(Signal::SIGSTOP)?;
    let stopped = child.wait(WSTOPPED)?;
    say("进程的状态", format_args!("{}, it was {stopped}", becomes(pid, 'T')?))?;
    child.signal(Signal::SIGCONT)?;
    let continued = child.wait(WCONTINUED)?;
    say("进程的状态", format_args!("{}, it was {continued}", becomes(pid, 'R')?))?;

    // ANCHOR: memory
    let [own, common] = [&private, &*shared].map(|byte| char::from(byte.load(SeqCst)));
    say("进程的空间", format_args!("the child has written C over P: the parent reads {own}"))?;
    say("进程的空间", format_args!("and in memory that both share: the parent reads {common}"))?;
    // ANCHOR_END: memory

    shared.store(b'P', SeqCst);
    let mut printed = String::new();
    BufReader::new(&answer).read_line(&mut printed).context("read the child's stdout")?;
    say("系统调用", format_args!("by execve(2) it has become a shell, which prints its PID: {}", printed.trim_end()))?;
    child.wait(WEXITED | WNOWAIT)?;
    say("进程的切换和调度", format_args!("it gave up the CPU, or lost it, {} times", switches(pid)?))?;
    say("进程的状态", format_args!("{}, it has ended, and its parent has not waited for it", becomes(pid, 'Z')?))?;
    let end = child.wait(WEXITED)?;
    let gone = proc::stat(pid).is_err_and(|error| proc::is_gone(&error));
    say("进程的状态", format_args!("waited for, it {end}, and is {}", if gone { "gone" } else { "still there" }))
}

/// The child computes until its parent writes to the memory that they share; then it becomes a shell.
fn life(private: &AtomicU8, shared: &AtomicU8, turn: &PipeReader, teller: &PipeWriter) -> anyhow::Result<()> {
    // ANCHOR: life
    tell_identity(teller)?;
    await_turn(turn)?;
    for byte in [private, shared] {
        byte.store(b'C', SeqCst);
    }
    tell(teller, &[1])?;
    while shared.load(SeqCst) == b'C' {
        spin_loop();
    }
    let stdout = teller.try_clone().context("dup")?;
    let mut shell = Command::new("sh");
    shell.args(["-c", "echo $$; exit 42"]).stdin(Stdio::null()).stdout(stdout);
    Err(shell.exec()).context("exec sh")
    // ANCHOR_END: life
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.heading, self.seen)
    }
}
