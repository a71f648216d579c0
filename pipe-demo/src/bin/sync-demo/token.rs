//! A pipe with one byte in it: whoever could read the byte is inside, and writes it back. So GNU make's jobserver
//! counts its jobs.
//!
//! Note: 关于同步 ("互斥"). Go: a channel of one. Man: pipe(7).

use std::io::{self, PipeReader, PipeWriter, Read, Write};

use anyhow::Context;

/// The right to be in the critical section.
pub struct Token {
    taken: PipeReader,
    given_back: PipeWriter,
}

impl Token {
    pub fn new() -> anyhow::Result<Token> {
        let (taken, given_back) = io::pipe().context("pipe")?;
        (&given_back).write_all(&[0]).context("write the token")?;
        Ok(Token { taken, given_back })
    }

    // ANCHOR: token
    /// Does `work` while no other process does.
    pub fn exclusively(&self, work: impl FnOnce()) -> anyhow::Result<()> {
        let mut token = [0];
        (&self.taken).read_exact(&mut token).context("take the token")?;
        work();
        (&self.given_back).write_all(&token).context("give the token back")
    }
    // ANCHOR_END: token
}
