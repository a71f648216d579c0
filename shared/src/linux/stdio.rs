//! stdout and stderr as whoever started us left them: perhaps non-blocking, perhaps closed.
//!
//! Man: write(2), poll(2), F_GETFD in fcntl(2).

use std::fmt;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context;
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::stat::{FileStat, SFlag, fstat};
use nix::{libc, unistd};

use crate::linux::failure::in_one_line;
use crate::linux::readiness::{as_if_blocking, await_event, is_ready};

/// stdout or stderr without std's buffer. Others may share the file and have made it non-blocking: then writes wait
/// all the same, and nothing is lost.
#[derive(Debug)]
pub(crate) struct Patient<F> {
    file: F,
    deadline: Option<Instant>,
}

impl<F: AsFd> Patient<F> {
    /// Waits for as long as it takes.
    pub(crate) fn new(file: F) -> Patient<F> {
        Patient { file, deadline: None }
    }

    /// Limits the wait, also where the file blocks. A regular file has no reader to wait for.
    pub(crate) fn set_deadline(&mut self, deadline: Instant) {
        let is_regular = fstat(&self.file)
            .is_ok_and(|file| SFlag::from_bits_truncate(file.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG);
        self.deadline = Some(deadline).filter(|_| !is_regular);
    }
}

impl<F: AsFd> Write for Patient<F> {
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<usize> {
        if self.deadline.is_some() {
            await_event(&self.file, PollFlags::POLLOUT, self.deadline)?;
            // What fits into a pipe for certain once poll(2) calls it writable.
            bytes = &bytes[..bytes.len().min(libc::PIPE_BUF)];
        }
        let written =
            as_if_blocking(&self.file, PollFlags::POLLOUT, self.deadline, || Ok(unistd::write(&self.file, bytes)?))?;
        wrote(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether stdin (`<&-`) or stdout (`>&-`) was closed when the program started: before `main` std puts /dev/null in its
/// place.
static WAS_CLOSED: [AtomicBool; 2] = [const { AtomicBool::new(false) }; 2];

#[used]
// SAFETY: what stands in .init_array is called once, by the only thread, before std's own start.
#[allow(unsafe_code, reason = "only there can it still be seen")]
#[unsafe(link_section = ".init_array")]
static LOOK_AT_STDIO: extern "C" fn() = look_at_stdio;

extern "C" fn look_at_stdio() {
    for (fd, was_closed) in (libc::STDIN_FILENO..).zip(&WAS_CLOSED) {
        // SAFETY: F_GETFD takes any number.
        #[allow(unsafe_code, reason = "nix asks for a descriptor that is open")]
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
        was_closed.store(flags < 0, Ordering::Relaxed);
    }
}

/// Fails if stdin was closed from the start: what is read there would be the end of /dev/null.
pub fn stdin_is_open() -> anyhow::Result<()> {
    if WAS_CLOSED[0].load(Ordering::Relaxed) {
        return Err(io::Error::from(Errno::EBADF)).context("read stdin");
    }
    Ok(())
}

/// Fails if stdout was closed from the start: for a command that takes what it could not hand on then.
pub fn stdout_is_open() -> anyhow::Result<()> {
    if WAS_CLOSED[1].load(Ordering::Relaxed) {
        return Err(io::Error::from(Errno::EBADF)).context("write stdout");
    }
    Ok(())
}

/// Whether the last reader of stdout has gone, as poll(2) tells it without a write. A file never has one.
pub fn has_no_reader() -> io::Result<bool> {
    is_ready(&io::stdout(), PollFlags::empty())
}

/// The program's name, set before any error is told.
static PROGRAM: OnceLock<String> = OnceLock::new();

/// Errors begin with `program` from now on.
pub fn name(program: &str) {
    PROGRAM.get_or_init(|| program.to_owned());
}

/// An error, in one line on stderr.
pub fn complain(error: &anyhow::Error) {
    narrate(format_args!("{}: {}", PROGRAM.get().map_or("error", String::as_str), in_one_line(error)));
}

/// One line on stderr, in one write(2). There is nobody to tell when stderr fails.
pub fn narrate(line: fmt::Arguments<'_>) {
    let before = if MID_LINE.load(Ordering::Relaxed) && outputs_are_one() { "\n" } else { "" };
    let _ = Patient::new(io::stderr().lock()).write_all(format!("{before}{line}\n").as_bytes());
}

/// Whether the last byte that went to stdout or stderr ended no line.
static MID_LINE: AtomicBool = AtomicBool::new(false);

/// To be told of what goes to stdout past [`Patient`]: where stderr is the same file, narration begins a line of its own.
pub fn wrote(bytes: &[u8]) {
    MID_LINE.store(bytes.last().is_some_and(|&byte| byte != b'\n'), Ordering::Relaxed);
}

/// Whether stdout and stderr are one file: a terminal, or what `2>&1` made of them.
fn outputs_are_one() -> bool {
    let identity = |file: nix::Result<FileStat>| file.map(|file| (file.st_dev, file.st_ino));
    identity(fstat(io::stdout())) == identity(fstat(io::stderr()))
}

/// Whether `-v` asks for more than the records say.
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Tells details from now on (`-v`).
pub fn be_verbose() {
    VERBOSE.store(true, Ordering::Relaxed);
}

/// One line on stderr, with `-v` only.
pub fn detail(line: fmt::Arguments<'_>) {
    if VERBOSE.load(Ordering::Relaxed) {
        narrate(line);
    }
}

/// What somebody else wrote, safe to show in one line: control characters, invisible ones and invalid bytes are
/// escaped, and the backslash with them; Chinese stays Chinese.
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if matches!(c, '\'' | '"') { text.push(c) } else { text.extend(c.escape_debug()) }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_sent_stays_one_line_and_chinese_stays_readable() {
        assert_eq!(escaped("三次方根\n\u{1b}[2J\t".as_bytes()), r"三次方根\n\u{1b}[2J\t");
        assert_eq!(escaped(b"a\xff\xe4\xb8b"), r"a\xff\xe4\xb8b");
        assert_eq!(escaped("\u{202e}evil\\".as_bytes()), r"\u{202e}evil\\");
    }
}
