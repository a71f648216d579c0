//! Moves bytes from pipe to pipe without ever blocking, in bounded memory.
//!
//! Note: 管道. Go: `bufio.Reader.WriteTo`. Man: pipe(7), epoll(7).

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::process::{ChildStdin, ChildStdout};
use std::time::Duration;

use anyhow::Context;
use mio::unix::pipe::{Receiver, Sender};
use mio::{Events, Interest, Poll, Registry, Token};
use nix::fcntl::{FcntlArg, fcntl};
use shared::linux::readiness::{self, Ready, nonblocking};

/// Where one command's output comes out, and where the next one's input goes in.
pub type Ends = (ChildStdout, ChildStdin);

/// What a link holds, and moves at a time.
const BUFFER: usize = 128 * 1024;

/// Pipes hold at least this, for fewer switches between the processes: the default, 16 pages, is 64 KiB or more.
const PIPE_SIZE: i32 = 256 * 1024;

/// Moves all bytes of all links; returns when each has come to its end.
pub fn pump(links: Vec<Ends>) -> anyhow::Result<()> {
    let mut poll = Poll::new().context("epoll_create")?;
    let mut links = links
        .into_iter()
        .enumerate()
        .map(|(index, ends)| Link::new(poll.registry(), index, ends).map(Some))
        .collect::<io::Result<Vec<_>>>()
        .context("link two commands")?;
    let mut events = Events::with_capacity(2 * links.len().max(1));
    while links.iter().any(Option::is_some) {
        let busy = links.iter().flatten().any(|link| link.is_busy);
        readiness::wait(&mut poll, &mut events, busy.then_some(Duration::ZERO)).context("epoll_wait")?;
        for event in &events {
            if let Some(link) = &mut links[event.token().0 / 2] {
                link.is_busy = true;
                link.is_unread |= event.token().0 % 2 == WRITER && event.is_write_closed();
            }
        }
        for slot in &mut links {
            if let Some(link) = slot.as_mut().filter(|link| link.is_busy)
                && link.work().context("move bytes between two commands")? == Progress::End
            {
                *slot = None;
            }
        }
    }
    Ok(())
}

/// The end of one command's output and of the next one's input. Dropping it closes both, which tells
/// the next of the end, and ends the other by SIGPIPE if it still writes.
struct Link {
    from: Receiver,
    to: Sender,
    buffer: Box<[u8]>,
    /// What has been read and not yet written.
    held: std::ops::Range<usize>,
    /// There may be something to do without another event.
    is_busy: bool,
    /// Nobody reads what we would write.
    is_unread: bool,
}

const READER: usize = 0;
const WRITER: usize = 1;

#[derive(PartialEq, Eq)]
enum Progress {
    More,
    End,
}

impl Link {
    fn new(registry: &Registry, index: usize, (from, to): Ends) -> io::Result<Link> {
        let (mut from, mut to) = (Receiver::from(from), Sender::from(to));
        // Each end has a file description of its own: the child's ends go on to block.
        from.set_nonblocking(true)?;
        to.set_nonblocking(true)?;
        for end in [from.as_fd(), to.as_fd()] {
            // EPERM: pipe-user-pages-soft is used up. The pipe works as well at its old size.
            let _ = fcntl(end, FcntlArg::F_GETPIPE_SZ)
                .and_then(|size| fcntl(end, FcntlArg::F_SETPIPE_SZ(PIPE_SIZE.max(size))));
        }
        registry.register(&mut from, Token(2 * index + READER), Interest::READABLE)?;
        registry.register(&mut to, Token(2 * index + WRITER), Interest::WRITABLE)?;
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Ok(Link { from, to, buffer, held: 0..0, is_busy: false, is_unread: false })
    }

    /// Moves one buffer, and stays busy until reading or writing answered `EAGAIN`: the only state in which
    /// the edge-triggered poll may be trusted to wake us. In between the other links have their turn.
    fn work(&mut self) -> io::Result<Progress> {
        if self.is_unread {
            return Ok(Progress::End);
        }
        if self.held.is_empty() {
            match nonblocking("read", &self.from, || (&self.from).read(&mut self.buffer))? {
                Ready::Done(0) => return Ok(Progress::End),
                Ready::Done(count) => self.held = 0..count,
                Ready::NotYet => self.is_busy = false,
            }
        }
        // ANCHOR: work
        while !self.held.is_empty() {
            let bytes = &self.buffer[self.held.clone()];
            match nonblocking("write", &self.to, || (&self.to).write(bytes)) {
                Ok(Ready::Done(count)) => self.held.start += count,
                Ok(Ready::NotYet) => {
                    self.is_busy = false;
                    break;
                }
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(Progress::End),
                Err(error) => return Err(error),
            }
        }
        // ANCHOR_END: work
        Ok(Progress::More)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;

    #[test]
    fn a_link_with_more_to_move_lets_the_others_go_first() {
        let poll = Poll::new().unwrap();
        let (from, mut full) = io::pipe().unwrap();
        let (_empty, to) = io::pipe().unwrap();
        let ends = (ChildStdout::from(OwnedFd::from(from)), ChildStdin::from(OwnedFd::from(to)));
        let mut link = Link::new(poll.registry(), 0, ends).unwrap();
        link.buffer = vec![0; 100].into_boxed_slice();
        full.write_all(&[0; 250]).unwrap();
        link.is_busy = true;
        for (turn, busy) in [(1, true), (2, true), (3, true), (4, false)] {
            assert!(link.work().unwrap() == Progress::More);
            assert_eq!(link.is_busy, busy, "turn {turn}");
        }
        drop(full);
        assert!(link.work().unwrap() == Progress::End);
    }
}
