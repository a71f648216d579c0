//! `send --lines`: none is torn and none is lost, whoever else sends.

#![allow(
    clippy::unwrap_used,
    clippy::zombie_processes,
    reason = "a test that fails early ends with its children: all end by themselves"
)]

mod common;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Output, Stdio};
use std::thread;

use common::{Bench, Result, code, errors, signal};
use nix::fcntl::{FcntlArg, Flock, FlockArg, OFlag, fcntl};
use nix::libc::{O_NONBLOCK, PIPE_BUF, SYS_flock};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

/// A sender's lines: its letter, as often as they are long.
fn lines_of(letter: u8, length: usize, count: usize) -> Vec<u8> {
    let line = [vec![letter; length - 1], vec![b'\n']].concat();
    line.repeat(count)
}

/// Starts a sender for each length, and reads the FIFO: `midway` can do something when the first bytes have come.
fn sent_at_once(lengths: &[usize], count: usize, midway: impl FnOnce(&Child)) -> Result<(Vec<u8>, Vec<Output>)> {
    let bench = Bench::with_fifo();
    let mut reader = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(bench.path("p"))?;
    let open_until_all_have_sent = OpenOptions::new().write(true).open(bench.path("p"))?;
    let mut senders = Vec::new();
    for (letter, &length) in (b'a'..).zip(lengths) {
        let name = char::from(letter).to_string();
        fs::write(bench.path(&name), lines_of(letter, length, count))?;
        senders.push(bench.start(&["send", "p", &name, "--lines"]));
    }
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::empty()))?;
    let mut came = vec![0; 1 << 16];
    reader.read_exact(&mut came)?;
    midway(&senders[0]);
    let ended = thread::spawn(move || {
        let ended = senders.into_iter().map(Child::wait_with_output).collect::<std::io::Result<Vec<_>>>();
        drop(open_until_all_have_sent);
        ended
    });
    reader.read_to_end(&mut came)?;
    Ok((came, ended.join().unwrap()?))
}

/// How many whole lines of each letter there are; anything else is torn.
fn whole_lines(came: &[u8], lengths: &[usize]) -> Vec<usize> {
    let mut counted = BTreeMap::new();
    for line in came.split_inclusive(|&byte| byte == b'\n') {
        let sender = usize::from(line[0] - b'a');
        assert!(line == lines_of(line[0], lengths[sender], 1), "torn: {:?}", String::from_utf8_lossy(line));
        *counted.entry(sender).or_default() += 1;
    }
    (0..lengths.len()).map(|sender| counted.get(&sender).copied().unwrap_or_default()).collect()
}

#[test]
fn no_line_is_torn_and_none_is_lost() -> Result {
    for (lengths, count) in [([301; 4], 10_000), ([5000; 4], 1000), ([40, PIPE_BUF, PIPE_BUF + 1, 200_000], 100)] {
        let (came, ended) = sent_at_once(&lengths, count, |_| ())?;
        assert_eq!(whole_lines(&came, &lengths), [count; 4]);
        assert!(ended.iter().all(|sender| sender.status.success() && sender.stderr.is_empty()));
    }
    Ok(())
}

#[test]
fn a_sender_that_is_killed_takes_no_line_of_another_with_it() -> Result {
    for length in [301, PIPE_BUF] {
        let lengths = [length, 5000, 301, 5000];
        let (came, ended) = sent_at_once(&lengths, 1000, |first| signal(first, Signal::SIGKILL))?;
        assert_eq!(whole_lines(&came, &lengths)[1..], [1000; 3]);
        assert_eq!(ended[0].status.signal(), Some(Signal::SIGKILL as i32));
        assert!(ended[1..].iter().all(|sender| sender.status.success()));
    }
    Ok(())
}

#[test]
fn a_signal_ends_a_sender_between_two_lines_however_long() -> Result {
    for asking in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let lengths = [200_000, 301, 5000];
        let (came, ended) = sent_at_once(&lengths, 100, |first| signal(first, asking))?;
        let counted = whole_lines(&came, &lengths);
        assert!(counted[0] < 100 && counted[1..] == [100; 2], "{counted:?}");
        assert_eq!(ended[0].status.signal(), Some(asking as i32));
    }
    Ok(())
}

/// Only the beginning of the line that the sender was at is spoilt.
#[test]
fn the_bytes_of_the_others_stay_together_after_a_kill_in_the_middle_of_a_long_line() -> Result {
    let lengths = [200_000, 301, 5000];
    let (came, _) = sent_at_once(&lengths, 100, |first| signal(first, Signal::SIGKILL))?;
    let others: Vec<u8> =
        came.split(|&byte| byte == b'a').flat_map(|rest| rest.strip_prefix(b"\n").unwrap_or(rest)).copied().collect();
    assert_eq!(whole_lines(&others, &lengths), [0, 100, 100]);
    Ok(())
}

#[test]
fn the_last_line_gets_the_newline_that_it_lacks() {
    let bench = Bench::with_fifo();
    let output = bench.shell(r#"printf 'one\ntwo' | "$PROGRAM" -v send p --lines & cat p; wait"#);
    assert_eq!(common::text(&output), "one\ntwo\n");
    assert_eq!(errors(&output), "p has a reader\nsent 8 bytes\n");
}

/// Waits until a thread of `child` sleeps in a system call.
fn sleeps_in(child: &Child, call: i64) -> Result {
    loop {
        for thread in fs::read_dir(format!("/proc/{}/task", child.id()))?.flatten() {
            if fs::read_to_string(thread.path().join("syscall")).is_ok_and(|now| now.starts_with(&format!("{call} "))) {
                return Ok(());
            }
        }
        thread::yield_now();
    }
}

#[test]
fn the_lock_is_waited_for_within_the_timeout_and_a_signal_ends_the_wait() -> Result {
    let bench = Bench::with_fifo();
    let both = || OpenOptions::new().read(true).write(true).open(bench.path("p"));
    let lock = |how| Flock::lock(both().unwrap(), how).map_err(|(_, errno)| errno);
    fs::write(bench.path("short"), "12345\n")?;
    fs::write(bench.path("long"), lines_of(b'a', 5000, 1))?;
    let _reader = both()?;
    for (held, name) in [(FlockArg::LockExclusive, "short"), (FlockArg::LockShared, "long")] {
        let held = lock(held)?;
        let send = ["send", "p", name, "--lines", "--timeout"];
        let late = bench.program(&[&send[..], &["500ms"]].concat());
        let error = "fifo-demo: wait for the lock of p: --timeout 500ms passed\n";
        assert_eq!((code(&late), errors(&late).as_str()), (Some(124), error));
        let waits = bench.start(&[&send[..], &["0s"]].concat());
        sleeps_in(&waits, SYS_flock)?;
        signal(&waits, Signal::SIGTERM);
        assert_eq!(waits.wait_with_output()?.status.signal(), Some(Signal::SIGTERM as i32));
        let waits = bench.start(&[&send[..], &["1m"]].concat());
        sleeps_in(&waits, SYS_flock)?;
        drop(held);
        assert_eq!(code(&waits.wait_with_output()?), Some(0));
    }
    Ok(())
}

/// In the middle of a line that its reader does not take: the first signal waits for the rest, the second one does not.
#[test]
fn a_second_signal_ends_a_sender_in_the_middle_of_a_line() -> Result {
    let bench = Bench::with_fifo();
    let mut send = bench.command(common::PROGRAM, &["send", "p", "--lines", "--timeout", "0s"]);
    let mut send = send.stdin(Stdio::piped()).spawn()?;
    let _reader = File::open(bench.path("p"))?;
    send.stdin.take().unwrap().write_all(&lines_of(b'a', 200_000, 1))?;
    let full = OpenOptions::new().write(true).open(bench.path("p"))?;
    while poll(&mut [PollFd::new(full.as_fd(), PollFlags::POLLOUT)], PollTimeout::ZERO)? > 0 {
        thread::yield_now();
    }
    signal(&send, Signal::SIGTERM);
    signal(&send, Signal::SIGINT);
    let by = send.wait_with_output()?.status.signal();
    assert!([Signal::SIGTERM, Signal::SIGINT].map(|signal| Some(signal as i32)).contains(&by), "{by:?}");
    Ok(())
}
