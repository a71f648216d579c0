//! What fails without being asked to: strace lets a call fail with an error, without making it.

use std::io::{self, Write};
use std::process::Command;

use nix::sys::signal::Signal;

use super::process::{Server, Setup, find_tool};
use super::{CUBE_ROOT_OF_27, assert_text, requests_and_answers, say};

/// A server whose `calls` fail with `error` as `when` says (`2+3`: the second and each third after it). None
/// where that cannot be.
fn failing(setup: &Setup, calls: &str, error: &str, when: &str, options: &[&str]) -> io::Result<Option<Server>> {
    let Some(strace) = find_tool("strace") else { return Ok(None) };
    let mut traced = Command::new(strace);
    let inject = format!("--inject={calls}:error={error}:when={when}");
    // Daemonized, strace is not between us and the server: what we signal or kill is the server.
    traced.args(["--daemonize", "--follow-forks", "--output=/dev/null", "--quiet=all", &inject, setup.program]);
    match setup.start_as(traced, options) {
        Err(error) if error.to_string().contains("ptrace") => {
            say(format_args!("skipped: {error}"));
            Ok(None)
        }
        server => server.map(Some),
    }
}

/// All are served, and what the server counted at the end.
fn all_are_served(setup: &Setup, calls: &str, error: &str) -> io::Result<Option<String>> {
    let Some(server) = failing(setup, calls, error, "2+3", &[])? else { return Ok(None) };
    let (requests, answers) = requests_and_answers(100);
    for _ in 0..10 {
        let peer = server.connect()?;
        peer.send(&requests)?;
        peer.close_write()?;
        assert_text(&peer.rest()?, &answers);
    }
    // Other servers end as signals do by default, and count nothing.
    if setup.command == "serve" { server.end_by(Signal::SIGTERM).map(Some) } else { Ok(None) }
}

pub fn eintr_at_every_call_is_normal(setup: &Setup) -> io::Result<()> {
    all_are_served(setup, "epoll_wait,accept4,recvfrom,recvmsg,sendto", "EINTR").map(drop)
}

pub fn a_connection_aborted_before_accept_is_passed_over(setup: &Setup) -> io::Result<()> {
    all_are_served(setup, "accept4", "ECONNABORTED").map(drop)
}

pub fn a_full_table_of_files_is_survived(setup: &Setup) -> io::Result<()> {
    all_are_served(setup, "accept4", "ENFILE").map(drop)
}

/// Injected, the connection stays in the backlog: here all are served in the end.
pub fn any_other_error_of_accept_costs_one_connection(setup: &Setup) -> io::Result<()> {
    for error in ["ECONNRESET", "EPERM", "ENOSR", "ESOCKTNOSUPPORT", "EIO"] {
        let Some(counts) = all_are_served(setup, "accept4", error)? else { return Ok(()) };
        assert!(!counts.contains(" failed=0 "), "{error}: {counts}");
    }
    Ok(())
}

/// Of ten who ask, some are served and some lost; the server stays.
fn some_are_lost(server: Server) -> io::Result<()> {
    let answered = (0..10).filter(|_| {
        let answer = server.connect().and_then(|peer| peer.ask("27"));
        answer.is_ok_and(|answer| answer == CUBE_ROOT_OF_27)
    });
    let count = answered.count();
    assert!((1..10).contains(&count), "{count} of 10 were served");
    let counts = server.end_by(Signal::SIGTERM)?;
    let expected = format!("connections={count} requests={count} timed_out=0 failed={} ", 10 - count);
    assert!(counts.contains(&expected), "{counts}");
    Ok(())
}

/// Each has its own epoll_ctl(2), after those of the waker and of the listening socket.
pub fn a_connection_that_cannot_be_watched_is_the_only_one_that_ends(setup: &Setup) -> io::Result<()> {
    for error in ["ENOMEM", "ENOSPC", "EPERM"] {
        let Some(server) = failing(setup, "epoll_ctl", error, "4+3", &[])? else { return Ok(()) };
        some_are_lost(server)?;
    }
    Ok(())
}

/// The fourth epoll_ctl(2) is to wait until the first peer has room again.
pub fn a_slow_peer_that_cannot_be_watched_is_the_only_one_that_ends(setup: &Setup) -> io::Result<()> {
    let Some(server) = failing(setup, "epoll_ctl", "ENOMEM", "4", &[])? else { return Ok(()) };
    let slow = server.connect()?;
    let requests = vec![b'\t'; 1 << 20];
    while (&slow.0).write(&requests).is_ok() {}
    assert_eq!(server.connect()?.ask("27")?, CUBE_ROOT_OF_27);
    let counts = server.end_by(Signal::SIGTERM)?;
    assert!(counts.contains(" failed=1 "), "{counts}");
    Ok(())
}

pub fn a_client_whose_user_cannot_be_asked_for_is_the_only_one_refused(setup: &Setup) -> io::Result<()> {
    let mine = nix::unistd::Uid::effective().to_string();
    let options = ["--allow-uid", &mine];
    let Some(server) = failing(setup, "getsockopt", "ENOBUFS", "2+3", &options)? else { return Ok(()) };
    some_are_lost(server)
}

/// Only then: no connection is to blame, and none will come.
pub fn a_socket_that_listens_no_more_ends_it_with_a_word(setup: &Setup) -> io::Result<()> {
    let Some(mut server) = failing(setup, "accept4,getsockopt", "EBADF", "1+", &[])? else { return Ok(()) };
    let peer = server.connect()?;
    assert_eq!(server.wait()?.code(), Some(1));
    let expected = format!("serve {} {}: accept: Bad file descriptor (os error 9)\n", server.network, server.address);
    let stderr = server.stderr()?;
    assert!(stderr.ends_with(&expected), "{stderr}");
    drop(peer);
    Ok(())
}
