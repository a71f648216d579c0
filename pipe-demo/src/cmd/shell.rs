//! What a shell does for `LEFT | RIGHT`: each process says who it is, and what its end of the pipe is.
//!
//! Note: 管道 ("shell为每个命令都创建一个进程"). Go: none. Man: sh(1), proc_pid_fd(5).

use std::process::Command;

use anyhow::{Context, bail};
use serde::Serialize;
use shared::linux::sleeper::check_proc;

/// PIDs, and the pipe by the number that /proc gives it.
#[derive(Serialize)]
pub struct Pipeline {
    pub shell: i32,
    pub left: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_writes_pipe: Option<u64>,
    pub right: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right_reads_pipe: Option<u64>,
}

pub fn pipeline() -> anyhow::Result<Pipeline> {
    check_proc()?;
    let left = "echo $$ $(readlink /proc/$$/fd/1) >&2";
    let right = "echo $$ $(readlink /proc/$$/fd/0)";
    let script = format!("sh -c '{left}' | sh -c '{right}'; echo $$");
    let output = Command::new("sh").args(["-c", &script]).output().context("run sh")?;
    let (left, right) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    let words = left.split_whitespace().chain(right.split_whitespace()).collect::<Vec<_>>();
    let [left, stdout, right, stdin, shell] = words[..] else { bail!("the shells say {words:?}") };
    let pid = |word: &str| word.parse().with_context(|| format!("the shells say {words:?}"));
    let (left_writes_pipe, right_reads_pipe) = (pipe(stdout), pipe(stdin));
    Ok(Pipeline { shell: pid(shell)?, left: pid(left)?, left_writes_pipe, right: pid(right)?, right_reads_pipe })
}

/// The number in `pipe:[NUMBER]`.
fn pipe(link: &str) -> Option<u64> {
    link.strip_prefix("pipe:[")?.strip_suffix(']')?.parse().ok()
}
