//! Lines that stay whole beside those of others, as long as all keep the rule.
//!
//! The kernel keeps a write(2) of up to PIPE_BUF bytes whole: so many whole lines go at once, under a shared lock. A
//! longer line takes several, and nobody may come between: it goes under an exclusive lock. The lock is flock(2)'s, on
//! the FIFO itself, as `mux` shows.
//!
//! A signal ends us between two lines, a second one at once. SIGKILL in the middle of a longer line leaves the beginning
//! of it, and the next line of another right behind.
//!
//! Note: 管道 (多路复用), 关于同步 (临界区). Go: none. Man: pipe(7) at PIPE_BUF, flock(2).

use std::iter;
use std::sync::{Arc, Mutex, PoisonError};

use nix::fcntl::FlockArg;
use nix::libc::PIPE_BUF;
use shared::linux::{shutdown, signals};

use crate::outlet::Outlet;

pub struct Lines<'a> {
    fifo: &'a Outlet,
    /// Not yet sent: the beginning of a line.
    begun: Vec<u8>,
    /// Locked while a part of a line is in the FIFO.
    in_a_line: Arc<Mutex<()>>,
}

impl<'a> Lines<'a> {
    pub fn to(fifo: &'a Outlet) -> anyhow::Result<Lines<'a>> {
        let in_a_line = Arc::default();
        shutdown::abort_unless_busy(Arc::clone(&in_a_line))?;
        Ok(Lines { fifo, begun: Vec::new(), in_a_line })
    }

    /// Sends the lines that are complete now.
    pub fn feed(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.begun.extend_from_slice(bytes);
        if bytes.contains(&b'\n') {
            let mut sent = 0;
            for lines in whole(&self.begun) {
                self.send(lines)?;
                sent += lines.len();
            }
            self.begun.drain(..sent);
        }
        Ok(())
    }

    /// Sends the last line, which gets the newline that it lacks. Says whether it lacked one.
    pub fn finish(mut self) -> anyhow::Result<bool> {
        let unfinished = !self.begun.is_empty();
        if unfinished {
            self.begun.push(b'\n');
            self.send(&self.begun)?;
        }
        Ok(unfinished)
    }

    fn send(&self, lines: &[u8]) -> anyhow::Result<()> {
        if lines.len() > PIPE_BUF {
            self.fifo.locked(FlockArg::LockExclusive, || {
                let _line = self.in_a_line.lock().unwrap_or_else(PoisonError::into_inner);
                self.fifo.write_all(lines)
            })?;
            return Ok(signals::check()?);
        }
        self.fifo.write_together(lines)
    }
}

/// Whole lines, as many at a time as one write(2) keeps together, or a single one that is longer.
fn whole(mut lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_end = |byte: &u8| *byte == b'\n';
    iter::from_fn(move || {
        let most = &lines[..lines.len().min(PIPE_BUF)];
        let end = most.iter().rposition(is_end).or_else(|| lines.iter().position(is_end))?;
        let (now, later) = lines.split_at(end + 1);
        lines = later;
        Some(now)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_together_as_far_as_one_write_keeps_them_whole() {
        let long = [vec![b'x'; PIPE_BUF], vec![b'\n']].concat();
        let exact = &long[1..];
        let text = [b"a\n\nb\n", exact, exact, &long, b"c\nd"].concat();
        let pieces: Vec<&[u8]> = whole(&text).collect();
        assert_eq!(pieces, [b"a\n\nb\n", exact, exact, &long, b"c\n"]);
        assert_eq!(whole(b"no end").count(), 0);
    }
}
