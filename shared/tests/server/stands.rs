//! One fact a function; `stands!` makes tests of them.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};

pub use super::faults::*;
pub use super::handover::*;
use super::process::Setup;
pub use super::restart::*;
pub use super::short_reads::*;
pub use super::slow_peers::*;
use super::{CUBE_ROOT_OF_27, Peer, assert_text, requests_and_answers, say};

/// Makes a test of each fact for one network.
#[macro_export]
macro_rules! stands {
    ($command:literal, $network:literal, $program:expr, $($fact:ident),* $(,)?) => {
        $(#[test]
        fn $fact() -> std::io::Result<()> {
            let setup = $crate::server::process::Setup { command: $command, network: $network, program: $program };
            $crate::server::stands::$fact(&setup)
        })*
    };
}

/// Makes a test of every fact of the protocol: what each server of streams must stand, without options.
#[macro_export]
macro_rules! every_fact_of_the_protocol {
    ($command:literal, $network:literal, $program:expr) => {
        $crate::stands!(
            $command,
            $network,
            $program,
            fragments_of_one_byte_are_one_request,
            a_thousand_requests_in_one_write_are_answered_in_order,
            a_client_that_does_not_read_costs_little_and_harms_nobody,
            bytes_behind_urgent_data_are_answered,
            a_reset_in_the_middle_harms_nobody,
            after_a_half_close_every_complete_request_is_answered,
            an_unterminated_tail_is_told_to_be_no_request,
            a_million_bytes_without_a_tab_get_an_answer_and_an_orderly_end,
            a_message_of_4096_bytes_is_answered,
            binary_junk_is_answered_and_the_connection_goes_on,
            without_descriptors_it_neither_spins_nor_loses_a_client,
            eintr_at_every_call_is_normal,
            a_connection_aborted_before_accept_is_passed_over,
            a_full_table_of_files_is_survived,
        );
    };
}

/// Makes a test of every fact of `serve` that holds for streams: the protocol, limits, timeouts and its end.
#[macro_export]
macro_rules! every_fact_of_a_stream {
    ($network:literal, $program:expr) => {
        $crate::every_fact_of_the_protocol!("serve", $network, $program);
        $crate::stands!(
            "serve",
            $network,
            $program,
            an_idle_peer_is_closed_at_its_deadline_and_not_before,
            a_slow_loris_is_closed_though_it_sends_a_byte_now_and_then,
            ten_thousand_idle_connections_cost_300_bytes_each_and_others_are_served,
            no_more_than_the_maximum_are_served_at_one_time,
            one_that_floods_does_not_starve_a_hundred_others,
            a_flood_has_one_turn_and_then_its_neighbour,
            between_two_turns_of_a_connection_few_are_accepted,
            peers_that_do_not_read_cost_40_kb_each_and_it_is_given_back,
            what_a_peer_sends_is_narrated_on_one_line,
            those_who_send_nothing_are_counted_apart,
            sigint_ends_it_in_order,
            sigterm_ends_it_in_order,
            sighup_ends_it_in_order,
            a_signal_finds_a_backlog_and_it_is_served,
            a_request_that_came_in_part_waits_for_its_rest_after_a_signal,
            a_request_that_came_in_part_is_told_to_be_none_when_the_grace_period_ends,
            a_peer_that_goes_on_asking_sees_no_reset,
            a_peer_that_never_stops_asking_sees_an_end_in_order,
            no_client_is_refused_or_reset_at_a_restart,
            a_client_that_reconnects_gets_every_answer_once,
            a_second_signal_ends_it_at_once_by_itself,
            the_grace_period_ends_for_a_peer_that_stays,
            an_inherited_ignore_of_sigint_stays,
            a_signal_that_was_blocked_when_it_started_ends_it,
            any_other_error_of_accept_costs_one_connection,
            a_connection_that_cannot_be_watched_is_the_only_one_that_ends,
            a_slow_peer_that_cannot_be_watched_is_the_only_one_that_ends,
            a_socket_that_listens_no_more_ends_it_with_a_word,
            a_deadline_for_serving_ends_it_with_124,
            a_listener_that_was_handed_over_is_served,
            what_was_held_can_be_held_again,
            a_listener_for_another_process_is_left_alone,
            systemd_hands_over_a_listener,
            what_is_no_listener_or_not_the_one_that_was_meant_is_a_usage_error,
            a_command_of_hold_has_the_listener_and_nothing_else_of_ours,
            a_command_that_cannot_be_run_is_126_or_127_and_leaves_no_file,
        );
    };
}

pub fn fragments_of_one_byte_are_one_request(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&[])?;
    let peer = server.connect()?;
    for byte in b"-2147483648\t27\t" {
        peer.send([*byte])?;
    }
    assert_eq!(peer.answer()?, "The cube root of -2147483648 is -1290.159155.");
    assert_eq!(peer.answer()?, CUBE_ROOT_OF_27);
    Ok(())
}

pub fn a_thousand_requests_in_one_write_are_answered_in_order(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&[])?;
    let peer = server.connect()?;
    let (requests, answers) = requests_and_answers(1000);
    peer.send(&requests)?;
    let mut came = vec![0; answers.len()];
    (&peer.0).read_exact(&mut came)?;
    assert_text(&came, &answers);
    Ok(())
}

pub fn a_reset_in_the_middle_harms_nobody(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&[])?;
    let other = server.connect()?;
    for unfinished in ["", "12", "27\t12", "27\t"] {
        let peer = server.connect()?;
        peer.send(unfinished)?;
        peer.0.set_linger(Some(Duration::ZERO))?;
        drop(peer);
        assert_eq!(other.ask("27")?, CUBE_ROOT_OF_27);
    }
    Ok(())
}

pub fn after_a_half_close_every_complete_request_is_answered(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&[])?;
    let peer = server.connect()?;
    let (requests, answers) = requests_and_answers(1000);
    peer.send(&requests)?;
    peer.close_write()?;
    assert_text(&peer.rest()?, &answers);
    Ok(())
}

pub fn an_unterminated_tail_is_told_to_be_no_request(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&[])?;
    let peer = server.connect()?;
    peer.send("27\t12345")?;
    peer.close_write()?;
    let expected = format!("{CUBE_ROOT_OF_27}\t'12345' is not a request: no TAB ends it!\t");
    assert_text(&peer.rest()?, &expected);
    Ok(())
}

pub fn a_million_bytes_without_a_tab_get_an_answer_and_an_orderly_end(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&[])?;
    let peer = server.connect()?;
    peer.send("27\t")?;
    peer.send(vec![b'7'; 1_000_000])?;
    peer.close_write()?;
    let expected = format!("{CUBE_ROOT_OF_27}\trequest longer than 4096 bytes!\t");
    assert_text(&peer.rest()?, &expected);
    Ok(())
}

pub fn a_message_of_4096_bytes_is_answered(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&[])?;
    let peer = server.connect()?;
    let message = "x".repeat(4096);
    assert_eq!(peer.ask(&message)?, format!("'{message}' is not integer!"));
    assert_eq!(peer.ask("27")?, CUBE_ROOT_OF_27);
    Ok(())
}

pub fn binary_junk_is_answered_and_the_connection_goes_on(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&[])?;
    let peer = server.connect()?;
    for byte in (0..=u8::MAX).filter(|&byte| byte != b'\t' && !byte.is_ascii_digit()) {
        peer.send([byte, 0xff, 0, byte, b'\t'])?;
        let mut came = [0; 23];
        (&peer.0).read_exact(&mut came)?;
        assert_eq!(came, *[b"'".as_slice(), &[byte, 0xff, 0, byte], b"' is not integer!\t"].concat());
    }
    assert_eq!(peer.ask("27")?, CUBE_ROOT_OF_27);
    Ok(())
}

pub fn an_idle_peer_is_closed_at_its_deadline_and_not_before(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&["--idle-timeout", "400ms"])?;
    let peer = server.connect()?;
    let before_request = Instant::now();
    assert_eq!(peer.ask("27")?, CUBE_ROOT_OF_27);
    assert_eq!(peer.rest()?, b"");
    assert!(before_request.elapsed() >= Duration::from_millis(400));
    assert!(server.end_by(Signal::SIGTERM)?.contains(" timed_out=1 "));
    Ok(())
}

pub fn a_slow_loris_is_closed_though_it_sends_a_byte_now_and_then(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&["--idle-timeout", "400ms"])?;
    let peer = server.connect()?;
    peer.0.set_read_timeout(Some(Duration::from_millis(40)))?;
    let start = Instant::now();
    // The read's timeout is the pace of the bytes; the server's end ends it.
    loop {
        match (&peer.0).write_all(b"7").and_then(|()| (&peer.0).read(&mut [0; 64])) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => assert!(start.elapsed() < super::WATCHDOG),
            Ok(0) => break,
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(start.elapsed() >= Duration::from_millis(400));
    Ok(())
}

/// Fewer where the hard limit of descriptors is lower, and that is said.
pub fn ten_thousand_idle_connections_cost_300_bytes_each_and_others_are_served(setup: &Setup) -> io::Result<()> {
    shared::linux::endpoint::raise_descriptor_limit().map_err(io::Error::other)?;
    let (_, hard) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)?;
    let count = usize::try_from(hard.saturating_sub(500).min(10_000)).unwrap();
    if count < 10_000 {
        say(format_args!("only {count} connections: the hard limit of descriptors is {hard}"));
    }
    let server = setup.start(&["--idle-timeout", "0s"])?;
    assert_eq!(server.connect()?.ask("27")?, CUBE_ROOT_OF_27);
    let before = server.resident_bytes()?;
    let idle: Vec<Peer> = (0..count).map(|_| server.connect()).collect::<Result<_, _>>()?;
    idle.iter().try_for_each(|peer| peer.send("27\t"))?;
    for peer in &idle {
        assert_eq!(peer.answer()?, CUBE_ROOT_OF_27);
    }
    let each = server.resident_bytes()?.saturating_sub(before) / count as u64;
    assert!(each <= 300, "{each} bytes for each");
    let other = server.connect()?;
    let (requests, answers) = requests_and_answers(1000);
    other.send(&requests)?;
    other.close_write()?;
    assert_text(&other.rest()?, &answers);
    Ok(())
}

pub fn without_descriptors_it_neither_spins_nor_loses_a_client(setup: &Setup) -> io::Result<()> {
    const CLIENTS: usize = 40;
    let server = setup.start_with_descriptors(16, &[])?;
    let peers: Vec<Peer> = (0..CLIENTS).map(|_| server.connect()).collect::<Result<_, _>>()?;
    peers.iter().try_for_each(|peer| peer.send("27\t"))?;
    // The first is served, and then others until no descriptor is left.
    assert_eq!(peers[0].answer()?, CUBE_ROOT_OF_27);
    let folder = format!("/proc/{}/fd", server.child.id());
    server.wait_until(|_| Ok(std::fs::read_dir(&folder)?.count() >= 15))?;
    let (before, start) = (server.cpu()?, Instant::now());
    let mut polled = [PollFd::new(peers[CLIENTS - 1].0.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut polled, PollTimeout::from(500u16))?, 0, "the last client was served too early");
    let share = server.cpu()?.saturating_sub(before).as_secs_f64() / start.elapsed().as_secs_f64();
    assert!(share < 0.1, "{share} of a core while full");
    // Each that goes makes room for the next.
    for (nth, peer) in peers.into_iter().enumerate() {
        if nth > 0 {
            assert_eq!(peer.answer()?, CUBE_ROOT_OF_27);
        }
    }
    Ok(())
}

pub fn no_more_than_the_maximum_are_served_at_one_time(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&["--max-connections", "2"])?;
    let (first, second, third) = (server.connect()?, server.connect()?, server.connect()?);
    third.send("27\t")?;
    assert_eq!(first.ask("27")?, CUBE_ROOT_OF_27);
    assert_eq!(second.ask("27")?, CUBE_ROOT_OF_27);
    let mut polled = [PollFd::new(third.0.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut polled, PollTimeout::from(200u16))?, 0, "served beyond the maximum");
    drop(first);
    assert_eq!(third.answer()?, CUBE_ROOT_OF_27);
    Ok(())
}

/// One that floods, beside a hundred that ask politely: nobody starves.
pub fn one_that_floods_does_not_starve_a_hundred_others(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&[])?;
    let polite: Vec<Peer> = (0..100).map(|_| server.connect()).collect::<Result<_, _>>()?;
    let flood = server.connect()?;
    std::thread::scope(|scope| {
        let (mut writer, mut reader) = (flood.0.try_clone()?, flood.0.try_clone()?);
        scope.spawn(move || {
            let requests = "27\t".repeat(4096);
            while writer.write_all(requests.as_bytes()).is_ok() {}
        });
        scope.spawn(move || {
            let mut answers = vec![0; 1 << 20];
            while matches!(reader.read(&mut answers), Ok(1..)) {}
        });
        let result = (0..20).try_for_each(|_| {
            polite.iter().try_for_each(|peer| peer.send("27\t"))?;
            polite.iter().try_for_each(|peer| peer.answer().map(|answer| assert_eq!(answer, CUBE_ROOT_OF_27)))
        });
        flood.0.shutdown(std::net::Shutdown::Both)?;
        result
    })
}

/// Between two turns of one that floods, others have theirs, and who connects is accepted: told by the order
/// in which requests were received, with the server stopped until both had sent theirs.
pub fn a_flood_has_one_turn_and_then_its_neighbour(setup: &Setup) -> io::Result<()> {
    const MOST_A_TURN: usize = 8192 / "27\t".len() + 1;
    let mut server = setup.start(&["-v"])?;
    let flood = server.connect()?;
    assert_eq!(flood.ask("27")?, CUBE_ROOT_OF_27);
    server.stop()?;
    flood.0.set_nonblocking(true)?;
    let mut asked = 0;
    while let Ok(count) = (&flood.0).write("27\t".repeat(1000).as_bytes()) {
        asked += count / 3;
    }
    let polite = server.connect()?;
    polite.send("8\t")?;
    server.signal(Signal::SIGCONT)?;
    let mut before = 0;
    for line in BufReader::new(server.take_stderr()).lines() {
        match line?.as_str() {
            "Received request: 27" => before += 1,
            "Received request: 8" => break,
            _ => {}
        }
    }
    assert!(asked > 4 * MOST_A_TURN, "only {asked} requests were queued");
    assert!(before <= 1 + 3 * MOST_A_TURN, "{before} of {asked} requests of the flood came first");
    Ok(())
}

/// Told by the order of the narration: one that floods has its turns while thousands connect and leave.
pub fn between_two_turns_of_a_connection_few_are_accepted(setup: &Setup) -> io::Result<()> {
    const MOST_A_TURN: usize = 8192 / "27\t".len() + 1;
    let mut server = setup.start(&["-v"])?;
    let flood = server.connect()?;
    assert_eq!(flood.ask("27")?, CUBE_ROOT_OF_27);
    let mut lines = BufReader::new(server.take_stderr()).lines();
    lines.by_ref().take(3).try_for_each(|line| line.map(drop))?;
    server.stop()?;
    flood.send("27\t".repeat(10 * MOST_A_TURN))?;
    (0..2000).try_for_each(|_| server.connect().map(drop))?;
    server.signal(Signal::SIGCONT)?;
    let (mut asked, mut accepted, mut most) = (0, 0, 0);
    std::thread::scope(|scope| {
        let answers = vec![0; 10 * MOST_A_TURN * (CUBE_ROOT_OF_27.len() + 1)];
        let reader = scope.spawn(|| (&flood.0).read_exact(&mut { answers }));
        while asked < 10 * MOST_A_TURN {
            let line = lines.next().unwrap()?;
            if line.starts_with("Established") {
                accepted += 1;
            } else if line == "Received request: 27" {
                asked += 1;
                (most, accepted) = (most.max(accepted), 0);
            }
        }
        reader.join().unwrap()
    })?;
    assert!(most <= 8, "{most} were accepted between two turns");
    Ok(())
}

/// Lines are what the server says, never what a peer wrote; Chinese stays Chinese.
pub fn what_a_peer_sends_is_narrated_on_one_line(setup: &Setup) -> io::Result<()> {
    let mut server = setup.start(&["-v"])?;
    let peer = server.connect()?;
    peer.send("立方根\nSent\u{1b}[2J\t")?;
    peer.answer()?;
    let lines: Vec<String> = BufReader::new(server.take_stderr()).lines().take(3).collect::<Result<_, _>>()?;
    assert!(lines[0].starts_with("Established a connection"), "{lines:?}");
    assert_eq!(lines[1], r"Received request: 立方根\nSent\u{1b}[2J");
    assert_eq!(lines[2], r"Sent response (written 37 bytes): '立方根\nSent\u{1b}[2J' is not integer!");
    Ok(())
}

pub fn those_who_send_nothing_are_counted_apart(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&[])?;
    drop((server.connect()?, server.connect()?));
    let (partial, peer) = (server.connect()?, server.connect()?);
    partial.send("1")?;
    drop(partial);
    assert_eq!(peer.ask("27")?, CUBE_ROOT_OF_27);
    drop(peer);
    let counts = server.end_by(Signal::SIGTERM)?;
    assert!(counts.contains("connections=2 ") && counts.ends_with(" probes=2\n"), "{counts}");
    Ok(())
}

fn a_signal_ends_it_in_order(setup: &Setup, signal: Signal) -> io::Result<()> {
    let server = setup.start(&[])?;
    let (requests, answers) = requests_and_answers(1000);
    let peers: Vec<Peer> = (0..10).map(|_| server.connect()).collect::<Result<_, _>>()?;
    for peer in &peers {
        peer.send(&requests)?;
    }
    server.signal(signal)?;
    for peer in &peers {
        assert_text(&peer.rest()?, &answers);
    }
    drop(peers);
    let counts = server.has_ended_in_order()?;
    assert!(counts.contains("connections=10 requests=10000 ") && counts.contains(" cut_off=0"), "{counts}");
    Ok(())
}

pub fn sigint_ends_it_in_order(setup: &Setup) -> io::Result<()> {
    a_signal_ends_it_in_order(setup, Signal::SIGINT)
}

pub fn sigterm_ends_it_in_order(setup: &Setup) -> io::Result<()> {
    a_signal_ends_it_in_order(setup, Signal::SIGTERM)
}

pub fn sighup_ends_it_in_order(setup: &Setup) -> io::Result<()> {
    a_signal_ends_it_in_order(setup, Signal::SIGHUP)
}

/// More than are accepted at one time: who has connected and asked before the signal is served.
pub fn a_signal_finds_a_backlog_and_it_is_served(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&[])?;
    server.stop()?;
    let peers: Vec<Peer> = (0..600).map(|_| server.connect()).collect::<Result<_, _>>()?;
    peers.iter().try_for_each(|peer| peer.send("27\t"))?;
    server.signal(Signal::SIGTERM)?;
    server.signal(Signal::SIGCONT)?;
    for peer in &peers {
        assert_text(&peer.rest()?, &format!("{CUBE_ROOT_OF_27}\t"));
    }
    drop(peers);
    assert!(server.has_ended_in_order()?.contains("connections=600 requests=600 "));
    Ok(())
}

pub fn a_request_that_came_in_part_waits_for_its_rest_after_a_signal(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&["--grace", "30s"])?;
    let (patient, leaving, witness) = (server.connect()?, server.connect()?, server.connect()?);
    patient.send("8\t2")?;
    leaving.send("8\t12")?;
    let eight = "The cube root of 8 is 2.000000.";
    assert_eq!((patient.answer()?, leaving.answer()?), (eight.to_owned(), eight.to_owned()));
    server.signal(Signal::SIGTERM)?;
    assert_eq!(witness.rest()?, b"", "the shutdown has begun");
    patient.send("7\t")?;
    assert_text(&patient.rest()?, &format!("{CUBE_ROOT_OF_27}\t"));
    leaving.close_write()?;
    assert_text(&leaving.rest()?, "'12' is not a request: no TAB ends it!\t");
    drop((patient, leaving, witness));
    assert!(server.has_ended_in_order()?.contains("requests=4 timed_out=0 failed=0 cut_off=0 "));
    Ok(())
}

pub fn a_request_that_came_in_part_is_told_to_be_none_when_the_grace_period_ends(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&["--grace", "50ms"])?;
    let peer = server.connect()?;
    peer.send("27\t12")?;
    assert_eq!(peer.answer()?, CUBE_ROOT_OF_27);
    server.signal(Signal::SIGTERM)?;
    assert_text(&peer.rest()?, "'12' is not a request: no TAB ends it!\t");
    assert!(server.has_ended_in_order()?.contains("requests=2 timed_out=0 failed=0 cut_off=1 "));
    Ok(())
}

/// What comes after the half-close is dropped without a reset, so that no answer is lost.
pub fn a_peer_that_goes_on_asking_sees_no_reset(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&[])?;
    let peer = server.connect()?;
    let (requests, answers) = requests_and_answers(1000);
    peer.send(&requests)?;
    server.signal(Signal::SIGTERM)?;
    let half_close = PollFlags::from_bits_retain(nix::libc::POLLRDHUP);
    poll(&mut [PollFd::new(peer.0.as_fd(), half_close)], PollTimeout::NONE)?;
    peer.send(&requests)?;
    assert_text(&peer.rest()?, &answers);
    Ok(())
}

/// What had come before the signal is answered, though there is more to read at any time.
pub fn a_peer_that_never_stops_asking_sees_an_end_in_order(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&["--grace", "30s"])?;
    let peer = server.connect()?;
    let (requests, answer) = ("27\t".repeat(10_000), format!("{CUBE_ROOT_OF_27}\t"));
    let answers = std::thread::scope(|scope| {
        let asking = scope.spawn(|| while peer.send(&requests).is_ok() {});
        assert_eq!(peer.answer()?, CUBE_ROOT_OF_27);
        server.signal(Signal::SIGTERM)?;
        let answers = peer.rest()?;
        peer.0.shutdown(std::net::Shutdown::Both)?;
        asking.join().unwrap();
        io::Result::Ok(answers)
    })?;
    assert_text(&answers, &answer.repeat(answers.len() / answer.len()));
    assert!(server.has_ended_in_order()?.contains(" failed=0 cut_off=0 "));
    Ok(())
}

pub fn a_second_signal_ends_it_at_once_by_itself(setup: &Setup) -> io::Result<()> {
    let mut server = setup.start(&["--grace", "10m"])?;
    let peer = server.connect()?;
    assert_eq!(peer.ask("27")?, CUBE_ROOT_OF_27);
    server.signal(Signal::SIGINT)?;
    assert_eq!(peer.rest()?, b"", "our side is closed: the first signal has been seen");
    server.signal(Signal::SIGHUP)?;
    assert_eq!(server.wait()?.signal(), Some(Signal::SIGHUP as i32));
    Ok(())
}

pub fn the_grace_period_ends_for_a_peer_that_stays(setup: &Setup) -> io::Result<()> {
    let server = setup.start(&["--grace", "50ms"])?;
    let peer = server.connect()?;
    assert_eq!(peer.ask("27")?, CUBE_ROOT_OF_27);
    assert!(server.end_by(Signal::SIGTERM)?.contains(" cut_off=1"));
    assert_eq!(peer.rest()?, b"");
    Ok(())
}

pub fn a_signal_that_was_blocked_when_it_started_ends_it(setup: &Setup) -> io::Result<()> {
    let all: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    for signal in &all {
        let mut deaf = Command::new(setup.program);
        // SAFETY: sigprocmask(2) is async-signal-safe.
        #[allow(unsafe_code, reason = "the mask is for the child alone")]
        unsafe {
            deaf.pre_exec(move || Ok(sigprocmask(SigmaskHow::SIG_BLOCK, Some(&all), None)?));
        }
        setup.start_as(deaf, &[])?.end_by(signal)?;
    }
    Ok(())
}

/// So a plain sh starts `prog &`.
pub fn an_inherited_ignore_of_sigint_stays(setup: &Setup) -> io::Result<()> {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' INT; exec \"$@\"", "sh", setup.program]);
    let server = setup.start_as(shell, &[])?;
    let ignored = u64::from_str_radix(&server.status("SigIgn")?, 16).map_err(io::Error::other)?;
    let caught = u64::from_str_radix(&server.status("SigCgt")?, 16).map_err(io::Error::other)?;
    let bit = |signal: Signal| 1u64 << (signal as i32 - 1);
    assert_eq!((ignored & bit(Signal::SIGINT), caught & bit(Signal::SIGINT)), (bit(Signal::SIGINT), 0));
    assert_eq!(caught & bit(Signal::SIGTERM), bit(Signal::SIGTERM));
    server.signal(Signal::SIGINT)?;
    assert_eq!(server.connect()?.ask("27")?, CUBE_ROOT_OF_27);
    server.end_by(Signal::SIGTERM)?;
    Ok(())
}

pub fn a_deadline_for_serving_ends_it_with_124(setup: &Setup) -> io::Result<()> {
    let mut server = setup.start(&["--timeout", "200ms"])?;
    let status = server.wait()?;
    assert_eq!((status.code(), status.signal()), (Some(124), None));
    assert!(server.stderr()?.contains("--timeout 200ms passed"));
    Ok(())
}
