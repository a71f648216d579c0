//! Who writes: processes, or threads that take turns.

use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use nix::unistd::Pid;
use shared::linux::thread::spawn;

use super::torn::Torn;
use crate::memory_pipe::pipe::pipe;
use shared::linux::child::{Children, exit_code, wait_for};
use shared::linux::gate::Gate;
use shared::linux::memory::page_size;

#[derive(Clone, Copy)]
pub struct Load {
    pub writers: u8,
    pub size: NonZeroUsize,
    pub messages: u64,
}

impl Load {
    /// All bytes of a message name their writer.
    fn message(&self, writer: u8) -> Vec<u8> {
        vec![writer; self.size.get()]
    }
}

/// Writers that wait at a gate.
pub struct Processes {
    gate: Gate,
    reader: io::PipeReader,
    writers: Vec<Pid>,
}

impl Processes {
    pub fn fork(children: &Children, load: Load) -> anyhow::Result<Processes> {
        let gate = Gate::new()?;
        let (reader, writer) = io::pipe().context("pipe")?;
        let write_all = |id| {
            let message = load.message(id);
            gate.pass().context("wait at the gate")?;
            (0..load.messages).try_for_each(|_| (&writer).write_all(&message).context("write the pipe"))
        };
        let writers =
            (0..load.writers).map(|id| children.fork(|| exit_code(write_all(id)))).collect::<anyhow::Result<_>>()?;
        Ok(Processes { gate, reader, writers })
    }

    pub fn write(mut self, load: Load) -> anyhow::Result<u64> {
        self.gate.open(self.writers.len())?;
        let torn = count_torn(load.size, |page| self.reader.read(page).context("read the pipe"))?;
        self.writers.into_iter().try_for_each(wait_for)?;
        Ok(torn)
    }
}

fn count_torn(size: NonZeroUsize, mut read: impl FnMut(&mut [u8]) -> anyhow::Result<usize>) -> anyhow::Result<u64> {
    // ANCHOR: torn
    // Counts the torn messages. Read a page at a time, the pipe stays full, and its
    // writers wait.
    let mut torn = Torn::new(size);
    let mut page = vec![0; page_size()?.get()];
    loop {
        match read(&mut page)? {
            0 => return Ok(torn.count),
            count => torn.see(&page[..count]),
        }
    }
    // ANCHOR_END: torn
}

/// Counts the torn messages of threads that write to one pipe in memory.
pub fn through_memory(load: Load) -> anyhow::Result<u64> {
    let (reader, writer) = pipe();
    let write = move |message: &[u8]| writer.write(message).map_err(|cut_off| cut_off.cause.into());
    write_and_read(load, write, |page| Read::read(&mut &reader, page).context("read the pipe"))
}

/// Of threads that write to one end of a pipe, in turn: each has the lock until all of its message is written.
pub fn through_one_file(load: Load) -> anyhow::Result<u64> {
    let (mut reader, writer) = io::pipe().context("pipe")?;
    let writer = Mutex::new(writer);
    let write = move |message: &[u8]| {
        writer.lock().unwrap_or_else(PoisonError::into_inner).write_all(message).context("write the pipe")
    };
    write_and_read(load, write, |page| reader.read(page).context("read the pipe"))
}

/// To the end, which comes when no thread has `write` any more.
fn write_and_read(
    load: Load,
    write: impl Fn(&[u8]) -> anyhow::Result<()> + Send + Sync + 'static,
    read: impl FnMut(&mut [u8]) -> anyhow::Result<usize>,
) -> anyhow::Result<u64> {
    let write = Arc::new(write);
    let threads: Vec<_> = (0..load.writers)
        .map(|id| {
            let (message, write) = (load.message(id), Arc::clone(&write));
            spawn(move || (0..load.messages).try_for_each(|_| write(&message)))
        })
        .collect::<anyhow::Result<_>>()?;
    drop(write);
    let torn = count_torn(load.size, read)?;
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("a writer panicked"))??;
    }
    Ok(torn)
}
