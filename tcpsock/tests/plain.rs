//! The server on one page: the protocol's facts, as `tcpsock serve` must stand them, and the page itself.

#![allow(clippy::unwrap_used, reason = "these are tests")]

#[path = "../../shared/tests/server/mod.rs"]
mod server;

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use server::CUBE_ROOT_OF_27;
use server::process::Setup;

const TCPSOCK: &str = env!("CARGO_BIN_EXE_tcpsock");

every_fact_of_the_protocol!("plain", "tcp", TCPSOCK);

const PLAIN: Setup = Setup { command: "plain", network: "tcp", program: TCPSOCK };

#[test]
fn the_page_has_at_most_150_lines_and_no_other_file() -> io::Result<()> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lines = fs::read_to_string(sources.join("plain.rs"))?.lines().count();
    assert!(lines <= 150, "{lines} lines");
    assert!(!sources.join("plain").exists());
    Ok(())
}

/// The connection and its request come while the server is stopped, so that one event tells of both.
#[test]
fn vv_shows_that_every_wait_follows_eagain() -> io::Result<()> {
    let mut server = PLAIN.start(&["-vv"])?;
    server.stop()?;
    let peer = server.connect()?;
    peer.send("27\t")?;
    server.signal(Signal::SIGCONT)?;
    assert_eq!(peer.answer()?, CUBE_ROOT_OF_27);
    let mut calls = BufReader::new(server.take_stderr()).lines();
    let mut next = |last: &str| -> io::Result<Vec<String>> {
        let mut seen = Vec::new();
        while seen.last().is_none_or(|call| call != last) {
            let call = without_descriptor(&calls.next().unwrap()?);
            // SIGCONT interrupts the wait, and it is made again.
            if call != "epoll_wait = EINTR" {
                seen.push(call);
            }
        }
        Ok(seen)
    };
    assert_eq!(next("accept = EAGAIN")?, ["epoll_wait = 1", "accept = fd", "accept = EAGAIN"]);
    assert_eq!(next("read = EAGAIN")?, ["epoll_wait = 1", "read = 3", "write = 33", "read = EAGAIN"]);
    drop(peer);
    assert_eq!(next("read = 0")?, ["epoll_wait = 1", "read = 0"]);
    Ok(())
}

/// `accept(4) = 5` as `accept = fd`, `read(5) = 3` as `read = 3`.
fn without_descriptor(line: &str) -> String {
    let (call, rest) = line.split_once('(').unwrap();
    let result = rest.split_once(" = ").unwrap().1;
    let is_descriptor = call == "accept" && result.parse::<i32>().is_ok();
    format!("{call} = {}", if is_descriptor { "fd" } else { result })
}

#[test]
fn a_signal_ends_it_as_signals_do_by_default() -> io::Result<()> {
    use std::os::unix::process::ExitStatusExt;
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let mut server = PLAIN.start(&[])?;
        server.signal(signal)?;
        assert_eq!(server.wait()?.signal(), Some(signal as i32));
    }
    Ok(())
}

#[test]
fn what_cannot_be_listened_on_is_one_clear_line() -> io::Result<()> {
    let server = PLAIN.start(&[])?;
    let output = std::process::Command::new(TCPSOCK).args(["plain", "--address", &server.address]).output()?;
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), b"".as_slice()));
    let (stderr, taken) = (String::from_utf8_lossy(&output.stderr), io::Error::from(Errno::EADDRINUSE));
    assert!(
        stderr.ends_with(&format!(": bind {}: {taken}\n", server.address)) && stderr.lines().count() == 1,
        "{stderr}"
    );
    Ok(())
}
