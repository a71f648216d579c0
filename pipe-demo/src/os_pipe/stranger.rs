//! A pipe that reaches a process without being inherited.
//!
//! The note says that a pipe is for a parent and its children only, or for children of one ancestor (claim 73). That is
//! where descriptors come by inheritance. Here one comes by name: a process that is older than the pipe, no child of
//! its maker, and in a session of its own, opens it through /proc. (A descriptor can be sent through a socket, too.)
//!
//! Note: 管道 ("同祖先的子进程"). Go: `os.OpenFile`. Man: proc_pid_fd(5), setsid(2).

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::Context;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid, getsid, setsid};
use serde::{Deserialize, Serialize};
use shared::linux::child::forked::close_copy;
use shared::linux::child::{Children, wait_for};
use shared::linux::failure::Failure;
use shared::linux::readiness::restart;
use shared::linux::sleeper::check_proc;

/// Who made the pipe, and who wrote into it.
#[derive(Serialize)]
pub struct Written {
    pub reader_pid: i32,
    pub reader_ppid: i32,
    #[serde(flatten)]
    pub stranger: Stranger,
}

#[derive(Serialize, Deserialize)]
pub struct Stranger {
    pub writer_pid: i32,
    pub writer_ppid: i32,
    pub writer_sid: i32,
    /// How many ends of the pipe it had before it opened one.
    pub inherited: usize,
}

pub fn writes() -> anyhow::Result<Written> {
    check_proc()?;
    let children = Children::helpers();
    let (mut talk, between) = start(&children)?;
    // Made now that the other is there, which therefore cannot have inherited it.
    let (reader, writer) = io::pipe().context("pipe")?;
    writeln!(talk, "/proc/{}/fd/{}", getpid(), writer.as_raw_fd()).context("tell where the pipe is")?;
    let mut failure = String::new();
    talk.read_to_string(&mut failure).context("listen to the other process")?;
    wait_for(between)?;
    drop(writer);
    if !failure.is_empty() {
        return Err(Failure::CannotShow(format!("in the other process: {failure}")).into());
    }
    let stranger = serde_json::from_reader(reader).context("read the pipe")?;
    Ok(Written { reader_pid: getpid().as_raw(), reader_ppid: getppid().as_raw(), stranger })
}

/// Forks twice. The grandchild is neither our child nor our sibling, and has a session of its own; it ends when it has
/// been told once, or its talk ends. Its parent does nothing but wait for it.
fn start(children: &Children) -> anyhow::Result<(UnixStream, Pid)> {
    let (ours, theirs) = UnixStream::pair().context("socketpair")?;
    let between = children.fork(|| {
        // Or the talk would never end.
        if close_copy(&ours).is_err() {
            return 1;
        }
        // SAFETY: as in `Children::fork`, there is one thread.
        #[allow(unsafe_code, reason = "fork(2) is unsafe in a program with threads")]
        match unsafe { fork() } {
            Err(errno) => u8::from(write!(&theirs, "fork: {errno}").is_err()),
            Ok(ForkResult::Parent { child }) => u8::from(!has_succeeded(child)),
            Ok(ForkResult::Child) => u8::from(listen(&theirs).or_else(|error| write!(&theirs, "{error:#}")).is_err()),
        }
    })?;
    drop(theirs);
    Ok((ours, between))
}

fn has_succeeded(child: Pid) -> bool {
    restart(|| Ok(waitpid(child, None)?)).is_ok_and(|end| end == WaitStatus::Exited(child, 0))
}

/// In the other process. Says something only when something failed; otherwise it writes, to the pipe.
fn listen(talk: &UnixStream) -> anyhow::Result<()> {
    setsid().context("setsid")?;
    let mut path = String::new();
    if BufReader::new(talk).read_line(&mut path).context("listen")? > 0 {
        let path = path.trim_end();
        let link = fs::read_link(path).with_context(|| format!("read {path}"))?;
        let inherited = descriptors_of(&link)?;
        let pipe = File::options().write(true).open(path).with_context(|| format!("open {path}"))?;
        let stranger = Stranger {
            writer_pid: getpid().as_raw(),
            writer_ppid: getppid().as_raw(),
            writer_sid: getsid(None).context("getsid")?.as_raw(),
            inherited,
        };
        serde_json::to_writer(pipe, &stranger)?;
    }
    Ok(())
}

/// How many of ours are of this pipe.
fn descriptors_of(pipe: &Path) -> anyhow::Result<usize> {
    let ours = fs::read_dir("/proc/self/fd").context("read /proc/self/fd")?.flatten();
    Ok(ours.filter(|fd| fs::read_link(fd.path()).is_ok_and(|link| link == pipe)).count())
}
