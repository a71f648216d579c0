//! What a command gets as its arguments: what it is given, and nothing that a shell would make of it.
//!
//! Note: 管道 ("exec.Command"). Go: `exec.Command`. Man: execve(2), sh(1).

use std::num::NonZeroUsize;
use std::process::{Command, Stdio};

use serde::Serialize;
use shared::linux::child::Children;

use crate::run::{By, read_output};

pub const TEXTS: [&str; 2] = ["command from Rust", "$((6*7))"];

/// What `echo -n "TEXT"` prints.
#[derive(Serialize)]
pub struct Echo {
    pub argument: &'static str,
    pub printed: String,
    pub printed_by_the_shell: String,
}

pub fn echo(argument: &'static str) -> anyhow::Result<Echo> {
    let printed_by_the_shell = output_of(Command::new("sh").args(["-c", &format!("echo -n \"{argument}\"")]))?;
    Ok(Echo { argument, printed: output_of(Command::new("echo").args(["-n", argument]))?, printed_by_the_shell })
}

fn output_of(command: &mut Command) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let children = Children::helpers();
    let mut child = children.spawn(command.stdout(Stdio::piped()))?;
    read_output(&mut child, By::Buffer(NonZeroUsize::MIN), |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
