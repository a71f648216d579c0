//! A pipe between processes that are no relatives: the one was there before the pipe was made, and got nothing from
//! the other but a number.
//!
//! The note says that a pipe is for a parent and its children only, or for children of one parent (claim 73). So it is
//! where descriptors come by inheritance; but they can be opened through /proc too, or sent through a socket.
//!
//! Note: 管道 ("只能用于父进程与子进程"). Go: `os.Open`. Man: proc_pid_fd(5), setsid(2).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use anyhow::{Context, bail};
use nix::unistd::{ForkResult, close, fork, getpid, getppid, getsid, setsid};
use shared::claim::{Claim, Seen, Verdict::Refuted};
use shared::report::Failure;

use crate::asleep::check_proc;
use crate::children::{Children, wait_for};

pub const CLAIMS: &[Claim] = &[Claim {
    number: 73,
    heading: "管道",
    says: "a pipe connects only a parent with its children, or children of one parent",
    verdict: Refuted,
    command: "",
    check: relatives_only,
}];

fn relatives_only() -> anyhow::Result<Seen> {
    check_proc()?;
    let mut talk = start()?;
    // Now that the other has been left alone; it cannot have inherited them.
    let (mut reader, writer) = io::pipe().context("pipe")?;
    writeln!(talk, "/proc/{}/fd/{}", getpid(), writer.as_raw_fd()).context("tell where the pipe is")?;
    let mut failure = String::new();
    talk.read_to_string(&mut failure).context("listen to the other")?;
    drop(writer);
    if !failure.is_empty() {
        return Err(Failure::CannotShow(failure).into());
    }
    let mut said = String::new();
    reader.read_to_string(&mut said).context("read the pipe")?;
    let numbers: Vec<i32> = said.split(' ').map_while(|number| number.parse().ok()).collect();
    let [pid, parent, session] = numbers[..] else { bail!("the other said {said:?}") };
    let (own, own_session) = (getpid().as_raw(), getsid(None).context("getsid")?.as_raw());
    let evidence = format!(
        "PID {own} (session {own_session}) read from its pipe what PID {pid}, which is older than the pipe, wrote of itself: \
         parent {parent}, session {session}"
    );
    Ok(Seen::refuted(parent != own && session == pid && session != own_session, evidence))
}

/// Forks twice, the second time out of a process that ends at once. What is left has another parent and a session
/// of its own; it ends when it has been told once, or its talk ends.
fn start() -> anyhow::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair().context("socketpair")?;
    let children = Children::default();
    let between = children.fork(|| {
        // SAFETY: as in `Children::fork`, there is one thread.
        #[allow(unsafe_code, reason = "fork(2) is unsafe in a program with threads")]
        match unsafe { fork() } {
            Err(_) => 1,
            Ok(ForkResult::Parent { .. }) => 0,
            Ok(ForkResult::Child) => {
                // Or the talk would never end.
                let told = close(ours.as_raw_fd()).map_err(io::Error::from).and_then(|()| listen(&theirs));
                u8::from(told.or_else(|error| write!(&theirs, "{error}")).is_err())
            }
        }
    })?;
    wait_for(between)?;
    Ok(ours)
}

/// In the other process. Says something only when something failed.
fn listen(talk: &UnixStream) -> io::Result<()> {
    setsid()?;
    let mut path = String::new();
    if BufReader::new(talk).read_line(&mut path)? > 0 {
        let path = path.trim_end();
        let named = |error: io::Error| io::Error::new(error.kind(), format!("open {path}: {error}"));
        let mut pipe = File::options().write(true).open(path).map_err(named)?;
        write!(pipe, "{} {} {}", getpid(), getppid(), getsid(None)?)?;
    }
    Ok(())
}
