//! When a command ends, and when its output does. The two are not the same, as others may have its ends of the pipes.
//!
//! Note: 管道 ("Wait方法", "有些命令会等到输入管道被关闭之后才结束运行"). Go: `exec.Cmd.Wait`, `exec.Cmd.StdinPipe`.
//! Man: wait(2), pipe(7).

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

use anyhow::Context;
use nix::poll::PollFlags;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use serde::Serialize;
use shared::linux::child::Children;
use shared::linux::child::event::Event;
use shared::linux::child::forked::become_subreaper;
use shared::linux::readiness::is_ready;
use shared::linux::sleeper::Task;

/// A command that has ended, and what it left.
#[derive(Serialize)]
pub struct Outlived {
    pub waited_for: Event,
    pub output_is_over: bool,
    pub bytes_that_came_later: usize,
}

/// A command that is waited for twice before anybody reads what it has printed. Go's Wait closes StdoutPipe, and a
/// second one is an error.
#[derive(Serialize)]
pub struct Unread {
    pub waited_for: Event,
    pub waited_again: Event,
    pub output_afterwards: String,
}

/// Two commands whose stdin stays open.
#[derive(Serialize)]
pub struct StdinOpen {
    pub cat_sleeps: bool,
    pub cat_once_closed: Event,
    pub other_while_open: Event,
}

/// A shell ends, but not what it started in the background, which has its stdout too, and which we adopt.
pub fn outlived() -> anyhow::Result<Outlived> {
    become_subreaper(true)?;
    let (told, mut tell) = io::pipe().context("pipe")?;
    let children = Children::helpers();
    let mut shell = Command::new("sh");
    // In the background stdin is /dev/null, but not descriptor 3.
    shell.args(["-c", "{ (read go <&3; echo late) & } 3<&0"]).stdin(told).stdout(Stdio::piped());
    let mut child = children.spawn(&mut shell)?;
    let mut stdout = child.stdout.take().context("the command has a stdout")?;
    let waited_for = child.wait().context("wait for sh")?.into();
    let output_is_over = is_ready(&stdout, PollFlags::POLLIN).context("poll")?;
    tell.write_all(b"\n").context("write the pipe")?;
    let bytes_that_came_later = stdout.read_to_end(&mut Vec::new()).context("read its stdout")?;
    drop((child, children));
    waitpid(None, None).context("wait for what the shell has left")?;
    Ok(Outlived { waited_for, output_is_over, bytes_that_came_later })
}

/// The output is the pipe's, and the status the zombie's: both stay until somebody takes them.
pub fn unread() -> anyhow::Result<Unread> {
    let children = Children::helpers();
    let mut echo = children.spawn(Command::new("echo").args(["-n", "command from Rust"]).stdout(Stdio::piped()))?;
    let waited_for = echo.wait().context("wait for echo")?.into();
    let waited_again = echo.wait().context("wait for echo again")?.into();
    let mut output_afterwards = String::new();
    let mut stdout = echo.stdout.take().context("echo has a stdout")?;
    stdout.read_to_string(&mut output_afterwards).context("read its stdout")?;
    Ok(Unread { waited_for, waited_again, output_afterwards })
}

/// Cat answers, and then waits for more; true does not care.
pub fn with_stdin_open() -> anyhow::Result<StdinOpen> {
    let children = Children::helpers();
    // ANCHOR: cat
    let mut cat = Command::new("cat");
    let mut cat = children.spawn(cat.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
    let ends = cat.stdin.take().zip(cat.stdout.take());
    let (mut stdin, mut stdout) = ends.context("cat has a stdin and a stdout")?;
    stdin.write_all(b"a").context("write cat's stdin")?;
    stdout.read_exact(&mut [0]).context("read cat's stdout")?;
    let cat_sleeps = Task::process(Pid::from_raw(cat.id()))?.sleeps()?;
    drop(stdin);
    let cat_once_closed = cat.wait().context("wait for cat")?.into();
    // ANCHOR_END: cat
    let mut other = children.spawn(Command::new("true").stdin(Stdio::piped()))?;
    let open = other.stdin.take();
    let other_while_open = other.wait().context("wait for true")?.into();
    drop(open);
    Ok(StdinOpen { cat_sleeps, cat_once_closed, other_while_open })
}
