//! What `tcpsock serve` must stand.

#[path = "../../shared/tests/server/mod.rs"]
mod server;

use std::io;
use std::process::Command;

use server::process::Setup;
use server::{CUBE_ROOT_OF_27, Peer, say};

const TCPSOCK: &str = env!("CARGO_BIN_EXE_tcpsock");

stands!(
    "tcp",
    TCPSOCK,
    fragments_of_one_byte_are_one_request,
    a_thousand_requests_in_one_write_are_answered_in_order,
    a_client_that_does_not_read_costs_little_and_harms_nobody,
    a_reset_in_the_middle_harms_nobody,
    after_a_half_close_every_complete_request_is_answered,
    an_unterminated_tail_is_told_to_be_no_request,
    a_million_bytes_without_a_tab_get_an_answer_and_an_orderly_end,
    a_message_of_4096_bytes_is_answered,
    binary_junk_is_answered_and_the_connection_goes_on,
    an_idle_peer_is_closed_at_its_deadline_and_not_before,
    a_slow_loris_is_closed_though_it_sends_a_byte_now_and_then,
    ten_thousand_idle_connections_cost_300_bytes_each_and_others_are_served,
    without_descriptors_it_neither_spins_nor_loses_a_client,
    no_more_than_the_maximum_are_served_at_one_time,
    one_that_floods_does_not_starve_a_hundred_others,
    a_flood_has_one_turn_and_then_its_neighbour,
    sigint_ends_it_in_order,
    sigterm_ends_it_in_order,
    sighup_ends_it_in_order,
    a_signal_finds_a_backlog_and_it_is_served,
    a_peer_that_goes_on_asking_sees_no_reset,
    a_second_ctrl_c_ends_it_at_once_with_130,
    the_grace_period_ends_for_a_peer_that_stays,
    an_inherited_ignore_of_sigint_stays,
    eintr_at_every_call_is_normal,
    a_connection_aborted_before_accept_is_passed_over,
    a_full_table_of_files_is_survived,
    a_deadline_for_serving_ends_it_with_124,
);

const TCP: Setup = Setup { network: "tcp", program: TCPSOCK };

/// Runs `tcpsock` to its end: exit code, stdout, stderr.
fn tcpsock(args: &[&str]) -> io::Result<(Option<i32>, String, String)> {
    let output = Command::new(TCPSOCK).args(args).output()?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(io::Error::other);
    Ok((output.status.code(), text(output.stdout)?, text(output.stderr)?))
}

#[test]
fn what_cannot_be_listened_on_is_one_clear_line() -> io::Result<()> {
    let server = TCP.start(&[])?;
    let taken = format!("error: bind {}: Address already in use (os error 98)\n", server.address);
    for (args, code, line) in [
        (["--address", server.address.as_str()].as_slice(), 1, taken.as_str()),
        (&["--address", server.address.as_str(), "--threads", "2"], 1, &taken),
        (
            &["--address", "192.0.2.1:80"],
            1,
            "error: bind 192.0.2.1:80: Cannot assign requested address (os error 99)\n",
        ),
        (&["--network", "TCP"], 2, "error: listen TCP: unknown network TCP\n"),
        (&["--network", "udp"], 2, "error: listen udp: unexpected address type: tcpsock takes tcp, tcp4 and tcp6\n"),
        (&["--address", "127.0.0.1:99999"], 2, "error: listen tcp: address 99999: invalid port\n"),
        (&["--address", "127.0.0.1"], 2, "error: listen tcp: address 127.0.0.1: missing port in address\n"),
        (
            &["--network", "tcp6", "--address", "127.0.0.1:0"],
            1,
            "error: listen tcp6: address 127.0.0.1: no suitable address found\n",
        ),
    ] {
        let (exit, stdout, stderr) = tcpsock(&[&["serve"], args].concat())?;
        assert_eq!((exit, stdout.as_str(), stderr.as_str()), (Some(code), "", line));
    }
    Ok(())
}

#[test]
fn an_unresolvable_host_is_one_clear_line() -> io::Result<()> {
    for command in ["serve", "client", "load"] {
        let (exit, stdout, stderr) = tcpsock(&[command, "--address", "no-such-host.invalid:80"])?;
        assert_eq!((exit, stdout.as_str()), (Some(1), ""), "{stderr}");
        assert!(stderr.contains("lookup no-such-host.invalid: ") && stderr.lines().count() == 1, "{stderr}");
    }
    Ok(())
}

/// Root may bind every port: then the program runs as nobody.
#[test]
fn without_permission_a_port_is_refused_in_one_clear_line() -> io::Result<()> {
    use std::os::unix::process::CommandExt;
    let first: u16 = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start")?.trim().parse().unwrap();
    if first == 0 {
        say(format_args!("skipped: every port may be bound by everybody"));
        return Ok(());
    }
    let address = format!("127.0.0.1:{}", first - 1);
    let mut command = Command::new(TCPSOCK);
    if nix::unistd::Uid::effective().is_root() {
        // Nobody may not look into root's folders: the program is run through its descriptor's link.
        let folder = tempfile::tempdir()?;
        let copy = folder.path().join("tcpsock");
        std::fs::copy(TCPSOCK, &copy)?;
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        command = Command::new(&copy);
        command.uid(65534).gid(65534).args(["serve", "--address", &address]);
        return refused(&mut command, &address);
    }
    refused(command.args(["serve", "--address", &address]), &address)
}

fn refused(command: &mut Command, address: &str) -> io::Result<()> {
    let output = command.output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr, format!("error: bind {address}: Permission denied (os error 13)\n"));
    Ok(())
}

#[test]
fn tcp_on_a_wildcard_is_one_socket_for_both_families() -> io::Result<()> {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        say(format_args!("skipped: no IPv6 on this machine"));
        return Ok(());
    }
    for (network, wildcard, ipv4, ipv6) in [
        ("tcp", ":0", true, true),
        ("tcp", "0.0.0.0:0", true, true),
        ("tcp4", ":0", true, false),
        ("tcp6", ":0", false, true),
    ] {
        let setup = Setup { network, program: TCPSOCK };
        let server = setup.start(&["--address", wildcard])?;
        let port = server.address.rsplit_once(':').unwrap().1;
        let answers = |host: &str| {
            Peer::connect(network, &format!("{host}:{port}"))
                .and_then(|peer| peer.ask("27"))
                .is_ok_and(|answer| answer == CUBE_ROOT_OF_27)
        };
        assert_eq!((answers("127.0.0.1"), answers("[::1]")), (ipv4, ipv6), "{network} {wildcard}");
    }
    Ok(())
}

#[test]
fn several_event_loops_share_one_port() -> io::Result<()> {
    let server = TCP.start(&["--threads", "3"])?;
    let peers: Vec<Peer> = (0..30).map(|_| server.connect()).collect::<Result<_, _>>()?;
    for peer in &peers {
        assert_eq!(peer.ask("27")?, CUBE_ROOT_OF_27);
    }
    drop(peers);
    assert!(server.end_by(nix::sys::signal::Signal::SIGINT)?.contains("connections=30 requests=30 "));
    Ok(())
}
