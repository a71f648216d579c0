//! What children tell in numbers, through a pipe, and how they wait for their turn.
//!
//! Man: pipe(7).

use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};

use anyhow::{Context, bail};

use super::forked::Forked;
use crate::linux::readiness;

/// A child, and what it tells: it has the only other end, so that its end is the end of that.
pub fn telling(work: impl FnOnce(&PipeWriter) -> anyhow::Result<()>) -> anyhow::Result<(Forked, PipeReader)> {
    let (answer, teller) = io::pipe().context("pipe")?;
    Ok((Forked::new(|| work(&teller))?, answer))
}

/// In a child. At most 1024 numbers: they are written whole.
pub fn tell(mut to: &PipeWriter, numbers: &[i32]) -> io::Result<()> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
    to.write_all(&bytes)
}

/// In the parent.
pub fn told<const N: usize>(mut from: &PipeReader) -> anyhow::Result<[i32; N]> {
    let mut numbers = [[0; size_of::<i32>()]; N];
    match from.read_exact(numbers.as_flattened_mut()) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            bail!("a child has ended before it told what it should")
        }
        read => read.context("read what a child tells")?,
    }
    Ok(numbers.map(i32::from_ne_bytes))
}

/// In a child: whether its turn came; not if whoever gives it, with a byte, has closed the other end.
pub fn await_turn(mut turn: &PipeReader) -> io::Result<bool> {
    Ok(readiness::restart(|| turn.read(&mut [0]))? > 0)
}

/// Gives a child its turn.
pub fn give_turn(mut to: &PipeWriter) -> anyhow::Result<()> {
    to.write_all(b"!").context("give a child its turn")
}
