//! What a shell does for `LEFT | RIGHT`, where each process says who it is, and what its end of the pipe is; and what it
//! makes of arguments. A command that no shell starts gets what it is given, and nothing else.
//!
//! Note: 管道 ("shell为每个命令都创建一个进程", "exec.Command"). Go: `exec.Command`. Man: sh(1), proc_pid_fd(5), execve(2).

use std::io::Read;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde::Serialize;
use shared::linux::child::Children;
use shared::linux::sleeper::check_proc;

/// PIDs, and the pipe by the number that /proc gives it.
#[derive(Serialize)]
pub struct Pipeline {
    pub shell_pid: i32,
    pub left_pid: i32,
    pub left_writes_pipe: Option<u64>,
    pub right_pid: i32,
    pub right_reads_pipe: Option<u64>,
}

pub fn pipeline() -> anyhow::Result<Pipeline> {
    check_proc()?;
    let left = "echo $$ $(readlink /proc/$$/fd/1) >&2";
    let right = "echo $$ $(readlink /proc/$$/fd/0)";
    let script = format!("sh -c '{left}' | sh -c '{right}'; echo $$");
    let children = Children::helpers();
    let mut sh = Command::new("sh");
    let mut sh = children.spawn(sh.args(["-c", &script]).stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    // What each pipe gets is less than it holds: they can be read one after the other.
    let (left, right) = (all_of(sh.stderr.take())?, all_of(sh.stdout.take())?);
    sh.wait().context("wait for sh")?;
    let words = left.split_whitespace().chain(right.split_whitespace()).collect::<Vec<_>>();
    let [left, stdout, right, stdin, shell] = words[..] else { bail!("the shells say {words:?}") };
    let pid = |word: &str| word.parse().with_context(|| format!("the shells say {words:?}"));
    Ok(Pipeline {
        shell_pid: pid(shell)?,
        left_pid: pid(left)?,
        left_writes_pipe: pipe(stdout),
        right_pid: pid(right)?,
        right_reads_pipe: pipe(stdin),
    })
}

fn all_of(pipe: Option<impl Read>) -> anyhow::Result<String> {
    let mut text = String::new();
    pipe.context("the output of the command is a pipe")?
        .read_to_string(&mut text)
        .context("read the output of the command")?;
    Ok(text)
}

/// The number in `pipe:[NUMBER]`.
fn pipe(link: &str) -> Option<u64> {
    link.strip_prefix("pipe:[")?.strip_suffix(']')?.parse().ok()
}

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
    let children = Children::helpers();
    let mut child = children.spawn(command.stdout(Stdio::piped()))?;
    let output = all_of(child.stdout.take())?;
    child.wait().context("wait for the command")?;
    Ok(output)
}
