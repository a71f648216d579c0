//! X: where the parent ignores SIGCHLD a child that ends is not kept as a zombie, and is gone at once.

use std::io::{self, PipeWriter, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use libc::WEXITED;

use super::Seen;
use crate::child::{self, Child};
use crate::proc;
use crate::signal::Signal;
use crate::signal::action::Action;

/// One child after the other ends, until one is seen in the moment.
const PATIENCE: Duration = Duration::from_secs(2);

/// A child of ours is the parent that ignores SIGCHLD, so that we need not.
pub fn make() -> anyhow::Result<Seen> {
    let (mut answer, writer) = io::pipe().context("pipe")?;
    let parent = Child::fork(|| watch_children_end(&writer))?;
    drop(writer);
    let mut seen = String::new();
    answer.read_to_string(&mut seen).context("read what the parent saw")?;
    parent.succeed()?;
    Ok(match seen.chars().next() {
        Some(state) => Ok(state),
        None => Err("every child was gone before it could be looked at; none was left as a zombie".to_owned()),
    })
}

fn watch_children_end(mut answer: &PipeWriter) -> anyhow::Result<()> {
    Action::Ignore.set(Signal::CHLD)?;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let child = child::fork(|| Ok(()))?;
        let mut last = None;
        while let Ok(stat) = proc::stat(child) {
            last = Some(stat.state);
            thread::yield_now();
        }
        let waited = child::waitid(child, WEXITED).err().and_then(|error| error.raw_os_error());
        ensure!(waited == Some(libc::ECHILD), "child {child} could be waited for");
        if last == Some('X') {
            return Ok(answer.write_all(b"X")?);
        }
    }
    Ok(())
}
