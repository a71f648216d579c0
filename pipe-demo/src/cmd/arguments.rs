//! What a command gets as its arguments: what it is given, and nothing that a shell would make of it.
//!
//! Note: 管道 ("exec.Command"). Go: `exec.Command`. Man: execve(2), sh(1).

use std::num::NonZeroUsize;
use std::process::Command;

use shared::harness::claims::{Check, Seen};

use crate::run::{By, read_output};
use shared::linux::child::Children;

pub const CHECKS: &[Check] = &[(75, as_in_the_shell)];

fn as_in_the_shell() -> anyhow::Result<Seen> {
    let [(plain, plain_in_shell), (sum, sum_in_shell)] = [both("command from Rust")?, both("$((6*7))")?];
    let evidence = format!("{plain:?}, in the shell {plain_in_shell:?}; {sum:?}, in the shell {sum_in_shell:?}");
    Ok(Seen::imprecise(plain == plain_in_shell, sum != sum_in_shell, evidence))
}

/// What `echo -n "TEXT"` prints, run as it is and by the shell.
fn both(text: &str) -> anyhow::Result<(String, String)> {
    let shell = printed(Command::new("sh").args(["-c", &format!("echo -n \"{text}\"")]))?;
    Ok((printed(Command::new("echo").args(["-n", text]))?, shell))
}

fn printed(command: &mut Command) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    read_output(&Children::helpers(), command, By::Buffer(NonZeroUsize::MIN), |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
