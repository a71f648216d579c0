//! When a command ends, and when its output does. The two are not the same, as others may have its ends of the pipes.
//!
//! Note: 管道 ("Wait方法", "有些命令会等到输入管道被关闭之后才结束运行"). Go: `exec.Cmd.Wait`, `exec.Cmd.StdinPipe`.
//! Man: wait(2), pipe(7).

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

use anyhow::Context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use shared::harness::claims::{Check, Seen};
use shared::linux::readiness::restart;
use shared::linux::sleeper::Task;

use shared::linux::child::Children;

pub const CHECKS: &[Check] = &[(86, waited_for), (98, until_stdin_is_closed)];

struct Outlived {
    wait: String,
    output_is_over: bool,
    read_later: usize,
}

/// A shell ends, but not what it started in the background, which has its stdout too, and which we adopt.
fn outlived() -> anyhow::Result<Outlived> {
    set_child_subreaper(true).context("PR_SET_CHILD_SUBREAPER")?;
    let (told, mut tell) = io::pipe().context("pipe")?;
    let children = Children::helpers();
    let mut shell = Command::new("sh");
    // In the background stdin is /dev/null, but not descriptor 3.
    shell.args(["-c", "{ (read go <&3; echo late) & } 3<&0"]).stdin(told).stdout(Stdio::piped());
    let mut child = children.spawn(&mut shell)?;
    let mut stdout = child.stdout.take().context("the command has a stdout")?;
    let wait = child.wait().context("wait for sh")?.to_string();
    let output_is_over = is_readable_or_at_its_end(&stdout)?;
    tell.write_all(b"\n").context("write the pipe")?;
    let read_later = stdout.read_to_end(&mut Vec::new()).context("read its stdout")?;
    drop((child, children));
    waitpid(None, None).context("wait for what the shell has left")?;
    Ok(Outlived { wait, output_is_over, read_later })
}

fn is_readable_or_at_its_end(pipe: &impl AsFd) -> anyhow::Result<bool> {
    let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
    Ok(restart(|| Ok(poll(&mut fds, PollTimeout::ZERO)?)).context("poll")? > 0)
}

fn waited_for() -> anyhow::Result<Seen> {
    let Outlived { wait, output_is_over, read_later } = outlived()?;
    let exception = !output_is_over && read_later == b"late\n".len();
    let output = if output_is_over { "its output is over" } else { "its output is not over" };
    let evidence = format!("wait: {wait}; {output}: {read_later} bytes came later");
    Ok(Seen::imprecise(wait == "exit status: 0", exception, evidence))
}

/// Cat answers, and then waits for more; true does not care.
fn until_stdin_is_closed() -> anyhow::Result<Seen> {
    let children = Children::helpers();
    let mut cat = children.spawn(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()))?;
    let (mut stdin, mut stdout) = cat.stdin.take().zip(cat.stdout.take()).context("cat has a stdin and a stdout")?;
    stdin.write_all(b"a").context("write cat's stdin")?;
    stdout.read_exact(&mut [0]).context("read cat's stdout")?;
    let cat_waits = Task::process(Pid::from_raw(cat.id()))?.sleeps()?;
    drop(stdin);
    let cat = cat.wait().context("wait for cat")?;
    let mut other = children.spawn(Command::new("true").stdin(Stdio::piped()))?;
    let open = other.stdin.take();
    let other = other.wait().context("wait for true")?;
    drop(open);
    let waits = if cat_waits { "it sleeps" } else { "it does not sleep" };
    let evidence = format!("cat with its stdin open: {waits}; closed: {cat}; true(1) with its stdin open: {other}");
    Ok(Seen::holds(cat_waits && cat.success() && other.success(), evidence))
}
