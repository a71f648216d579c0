//! The commands of a pipeline, and how they are started.
//!
//! Each pipe is close-on-exec from birth: a stage that inherited the write end of another's pipe would
//! keep its reader from ever seeing the end.
//!
//! Note: 管道. Go: `exec.Cmd`. Man: pipe2(2) at O_CLOEXEC, execve(2).

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::{Command, Stdio};

use anyhow::Context;

use super::pump::Ends;
use shared::linux::child::{Child, Children};

/// A command with its arguments; never empty.
#[derive(Clone, Debug)]
pub struct Stage(pub Vec<OsString>);

/// Splits a line into words as the shell does; the bytes of a word need not be UTF-8.
///
/// What quotes and separates words is ASCII, so each byte may stand for the character of its number meanwhile.
pub fn split(line: &OsStr) -> Result<Stage, String> {
    let line: String = line.as_bytes().iter().copied().map(char::from).collect();
    let words = shell_words::split(&line).map_err(|error| error.to_string())?;
    let bytes = |word: String| OsString::from_vec(word.chars().filter_map(|c| u8::try_from(c).ok()).collect());
    if words.is_empty() { Err("no command".into()) } else { Ok(Stage(words.into_iter().map(bytes).collect())) }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shell_words::join(self.0.iter().map(|word| word.to_string_lossy())))
    }
}

impl Stage {
    pub fn new(words: &[&str]) -> Stage {
        Stage(words.iter().map(|&word| word.into()).collect())
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.0[0]);
        command.args(&self.0[1..]);
        command
    }
}

// ANCHOR: tie
/// Starts all stages, each one's stdin the other end of its predecessor's stdout.
pub fn start_tied(children: &Children, stages: &[Stage]) -> anyhow::Result<Vec<Child>> {
    let mut started = Vec::with_capacity(stages.len());
    let mut stdin = Stdio::inherit();
    for (index, stage) in stages.iter().enumerate() {
        let is_last = index + 1 == stages.len();
        let stdout = if is_last { Stdio::inherit() } else { Stdio::piped() };
        let mut child = children.spawn(stage.command().stdin(stdin).stdout(stdout))?;
        stdin = child.stdout.take().map_or_else(Stdio::null, Stdio::from);
        started.push(child);
    }
    Ok(started)
}
// ANCHOR_END: tie

/// Starts all stages with pipes to us, and gives the pairs of ends to link.
pub fn start_linked(children: &Children, stages: &[Stage]) -> anyhow::Result<(Vec<Child>, Vec<Ends>)> {
    let mut started = Vec::with_capacity(stages.len());
    let mut links = Vec::new();
    let mut previous = None;
    for (index, stage) in stages.iter().enumerate() {
        let stdin = if index > 0 { Stdio::piped() } else { Stdio::inherit() };
        let stdout = if index + 1 < stages.len() { Stdio::piped() } else { Stdio::inherit() };
        let mut child = children.spawn(stage.command().stdin(stdin).stdout(stdout))?;
        if let Some(output) = previous {
            links.push((output, child.stdin.take().context("a stage has a stdin")?));
        }
        previous = child.stdout.take();
        started.push(child);
    }
    Ok((started, links))
}
