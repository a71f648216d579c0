//! A child that becomes another program: its PID stays, its memory goes.
//!
//! Note: 进程的衍生 ("exec"). Go: `syscall.Exec`. Man: execve(2), process_vm_readv(2).

use std::io::{self, BufRead, BufReader, IoSliceMut};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU64;

use anyhow::{Context, ensure};
use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use serde::Serialize;
use shared::linux::child::{Children, wait_for};
use shared::linux::gate::Gate;

#[derive(Serialize)]
pub struct BecameShell {
    pub forked_pid: i32,
    pub pid_after_exec: i32,
    /// Of a word each in the data, the heap, the stack and the code; none where process_vm_readv(2) is refused.
    pub words_left_of_4: Option<usize>,
}

static WORD: AtomicU64 = AtomicU64::new(0x6461_7461);

/// The child becomes a shell, which prints its PID, and stays until its stdin ends.
pub fn exec_in_child() -> anyhow::Result<BecameShell> {
    let (heap, stack) = (Box::new(AtomicU64::new(0x6865_6170)), AtomicU64::new(0x73_7461_636b));
    let code = exec_in_child as fn() -> anyhow::Result<BecameShell> as *const ();
    let places = [WORD.as_ptr().addr(), heap.as_ptr().addr(), stack.as_ptr().addr(), code.addr()];
    let (children, gate) = (Children::helpers(), Gate::new()?);
    let ((stays, ends), (told, tell)) = (io::pipe().context("pipe")?, io::pipe().context("pipe")?);
    let mut shell = Command::new("sh");
    shell.args(["-c", "echo $$; read line || :"]).stdin(Stdio::from(stays)).stdout(Stdio::from(tell));
    // ANCHOR: exec
    let child = children.fork(|| {
        if gate.pass().is_ok() {
            let _ = shell.exec(); // Returns only when it failed.
        }
        127
    })?;
    drop(shell); // Our ends of its pipes are in it.
    let before = words_of(child, places)?;
    let is_complete = before.is_none_or(|words| words.iter().all(Option::is_some));
    ensure!(is_complete, "the child lacks what it was forked with");
    gate.open(1)?;
    let mut printed = String::new();
    BufReader::new(told).read_line(&mut printed).context("read the shell's stdout")?;
    let after = words_of(child, places)?;
    // ANCHOR_END: exec
    drop(ends);
    wait_for(child)?;
    let left = |(before, after): (Words, Words)| (0..4).filter(|&n| before[n] == after[n]).count();
    let words_left_of_4 = before.zip(after).map(left);
    let pid_after_exec = printed.trim_end().parse().with_context(|| format!("the shell printed {printed:?}"))?;
    Ok(BecameShell { forked_pid: child.as_raw(), pid_after_exec, words_left_of_4 })
}

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
            Err(error) => return Err(error).context("process_vm_readv"),
        }
    }
    Ok(Some(words))
}
