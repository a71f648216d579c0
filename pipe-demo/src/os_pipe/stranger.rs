//! A pipe that reaches a process without being inherited.
//!
//! The note says that a pipe is for a parent and its children only, or for children of one ancestor (claim 73). So it
//! is where descriptors come by inheritance. But here they come by name: a process that is older than the pipe, no
//! child of its maker, and in a session of its own, opens it through /proc. (It could be sent one through a socket, too.)
//!
//! Note: 管道 ("只能用于父进程与子进程以及同祖先的子进程之间的通讯"). Go: `os.OpenFile`. Man: proc_pid_fd(5), setsid(2).

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, bail};
use nix::unistd::{ForkResult, Pid, close, fork, getpid, getppid, getsid, setsid};
use shared::harness::claims::{Check, Seen};
use shared::linux::failure::Failure;
use shared::linux::sleeper::check_proc;

use shared::linux::child::{Children, wait_for};

pub const CHECKS: &[Check] = &[(73, relatives_only)];

fn relatives_only() -> anyhow::Result<Seen> {
    check_proc()?;
    let children = Children::helpers();
    let (mut talk, between) = start(&children)?;
    // Made now that the other is there, which therefore cannot have inherited it.
    let (mut reader, writer) = io::pipe().context("pipe")?;
    writeln!(talk, "/proc/{}/fd/{}", getpid(), writer.as_raw_fd()).context("tell where the pipe is")?;
    let mut failure = String::new();
    talk.read_to_string(&mut failure).context("listen to the other")?;
    wait_for(between)?;
    drop(writer);
    if !failure.is_empty() {
        return Err(Failure::CannotShow(failure).into());
    }
    let mut said = String::new();
    reader.read_to_string(&mut said).context("read the pipe")?;
    let numbers: Vec<i32> = said.split(' ').map_while(|number| number.parse().ok()).collect();
    let [pid, parent, session, inherited] = numbers[..] else { bail!("the other said {said:?}") };
    let (own, own_parent) = (getpid().as_raw(), getppid().as_raw());
    let is_stranger = inherited == 0 && session == pid && ![own, own_parent].contains(&parent);
    let evidence = format!(
        "PID {own}, parent {own_parent}, read from its pipe what was written by PID {pid}, parent {parent}, \
         session {session}, which had inherited {inherited} ends of it"
    );
    Ok(Seen::refuted(is_stranger, evidence))
}

/// Forks twice. What comes of it is neither our child nor our sibling, and has a session of its own; it ends when it
/// has been told once, or its talk ends. Its parent does nothing but wait for it.
fn start(children: &Children) -> anyhow::Result<(UnixStream, Pid)> {
    let (ours, theirs) = UnixStream::pair().context("socketpair")?;
    let between = children.fork(|| {
        // Or the talk would never end.
        if close(ours.as_raw_fd()).is_err() {
            return 1;
        }
        // SAFETY: as in `Children::fork`, there is one thread.
        #[allow(unsafe_code, reason = "fork(2) is unsafe in a program with threads")]
        match unsafe { fork() } {
            Err(_) => 1,
            Ok(ForkResult::Parent { child }) => u8::from(wait_for(child).is_err()),
            Ok(ForkResult::Child) => u8::from(listen(&theirs).or_else(|error| write!(&theirs, "{error}")).is_err()),
        }
    })?;
    Ok((ours, between))
}

/// In the other process. Says something only when something failed; otherwise it writes, to the pipe.
fn listen(talk: &UnixStream) -> io::Result<()> {
    setsid()?;
    let mut path = String::new();
    if BufReader::new(talk).read_line(&mut path)? > 0 {
        let path = path.trim_end();
        let named = |error: io::Error| io::Error::new(error.kind(), format!("open {path}: {error}"));
        let inherited = descriptors_of(&fs::read_link(path).map_err(named)?)?;
        let mut pipe = File::options().write(true).open(path).map_err(named)?;
        write!(pipe, "{} {} {} {inherited}", getpid(), getppid(), getsid(None)?)?;
    }
    Ok(())
}

/// How many of ours are of this pipe.
fn descriptors_of(pipe: &Path) -> io::Result<usize> {
    let ours = fs::read_dir("/proc/self/fd")?.flatten();
    Ok(ours.filter(|fd| fs::read_link(fd.path()).is_ok_and(|link| link == pipe)).count())
}
