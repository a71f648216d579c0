//! How fast a pipe is, the pipe in memory between threads, and shared memory: the note's yardstick.
//!
//! Note: 管道, Golang笔记-多进程编程理论 ("共享内存区，最快的一种IPC方法"). Go: `testing.B`. Man: pipe(7), futex(2).

mod ring;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use anyhow::{Context, bail};
use shared::harness::bench::descriptors::{ANY, blocking, event_loop};
use shared::harness::bench::{Mechanism, Meeting, OneWay, SIZES, Side};

use crate::memory_pipe::pipe::{self, PipeReader, PipeWriter};

pub static MECHANISMS: [Mechanism; 4] = [
    mechanism("pipe", || pipes(blocking::<ANY>), blocking::<ANY>),
    mechanism("pipe, mio", || pipes(event_loop::<ANY>), event_loop::<ANY>),
    mechanism("io-pipe, threads", || Ok(in_memory()), |_, _| bail!("a pipe in memory is for threads")),
    mechanism("shared memory, futex", ring::meet, ring::join),
];

type Join = fn(File, File) -> anyhow::Result<Box<dyn Side>>;

const fn mechanism(name: &'static str, meet: fn() -> anyhow::Result<Meeting>, join: Join) -> Mechanism {
    Mechanism { name, sizes: SIZES, one_way: OneWay::Waits, meet, join }
}

/// A pipe is one way, so there are two.
fn pipes(join: Join) -> anyhow::Result<Meeting> {
    let (their_input, our_output) = io::pipe().context("pipe")?;
    let (our_input, their_output) = io::pipe().context("pipe")?;
    let file = |end: OwnedFd| File::from(end);
    let ours = join(file(our_input.into()), file(our_output.into()))?;
    Ok(Meeting::Process(ours, their_input.into(), their_output.into()))
}

fn in_memory() -> Meeting {
    let ((their_input, our_output), (our_input, their_output)) = (pipe::pipe(), pipe::pipe());
    let ours = Threads { input: our_input, output: our_output };
    let theirs = Threads { input: their_input, output: their_output };
    Meeting::Thread(Box::new(ours), Box::new(theirs))
}

struct Threads {
    input: PipeReader,
    output: PipeWriter,
}

impl Side for Threads {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        (&self.output).write_all(message)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        (&self.input).read_exact(buffer)
    }
}
