//! What `tcpsock serve` must stand.

#[path = "../../shared/tests/nobody/mod.rs"]
mod nobody;
#[path = "../../shared/tests/server/mod.rs"]
mod server;

use std::io::{self, BufRead, BufReader};
use std::process::Command;

use nix::errno::Errno;
use server::process::Setup;
use server::{CUBE_ROOT_OF_27, Peer, say};

const TCPSOCK: &str = env!("CARGO_BIN_EXE_tcpsock");

every_fact_of_a_stream!("tcp", TCPSOCK);

const TCP: Setup = Setup { command: "serve", network: "tcp", program: TCPSOCK };

/// Runs `tcpsock` to its end: exit code, stdout, stderr.
fn tcpsock(args: &[&str]) -> io::Result<(Option<i32>, String, String)> {
    let output = Command::new(TCPSOCK).args(args).output()?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(io::Error::other);
    Ok((output.status.code(), text(output.stdout)?, text(output.stderr)?))
}

#[test]
fn where_it_listens_is_a_record() -> io::Result<()> {
    let args = ["--json", "serve", "--address", "127.0.0.1:0", "--timeout", "0.1"];
    let (code, stdout, stderr) = tcpsock(&args)?;
    let record: serde_json::Value = serde_json::from_str(&stdout)?;
    assert_eq!((code, &record["network"]), (Some(124), &"tcp".into()), "{stderr}");
    assert!(record["address"].as_str().is_some_and(|address| address.starts_with("127.0.0.1:")), "{record}");
    Ok(())
}

#[test]
fn what_cannot_be_listened_on_is_one_clear_line() -> io::Result<()> {
    let server = TCP.start(&[])?;
    let taken = format!("tcpsock: bind {}: {}\n", server.address, io::Error::from(Errno::EADDRINUSE));
    let not_here = format!("tcpsock: bind 192.0.2.1:80: {}\n", io::Error::from(Errno::EADDRNOTAVAIL));
    for (args, code, line) in [
        (["--address", server.address.as_str()].as_slice(), 1, taken.as_str()),
        (&["--address", server.address.as_str(), "--threads", "2"], 1, &taken),
        (&["--address", "192.0.2.1:80"], 1, &not_here),
        (&["--network", "TCP"], 2, "tcpsock: listen TCP: unknown network TCP\n"),
        (&["--network", "udp"], 2, "tcpsock: listen udp: unexpected address type: tcpsock takes tcp, tcp4 and tcp6\n"),
        (&["--address", "127.0.0.1:99999"], 2, "tcpsock: listen tcp: address 99999: invalid port\n"),
        (&["--address", "127.0.0.1:nonesuch"], 2, "tcpsock: listen tcp: address tcp/nonesuch: unknown port\n"),
        (
            &["--network", "tcp6", "--address", "[::ffff:127.0.0.1]:0"],
            1,
            "tcpsock: listen tcp6: address ::ffff:127.0.0.1: no suitable address found\n",
        ),
        (&["--address", "127.0.0.1"], 2, "tcpsock: listen tcp: address 127.0.0.1: missing port in address\n"),
        (
            &["--network", "tcp6", "--address", "127.0.0.1:0"],
            1,
            "tcpsock: listen tcp6: address 127.0.0.1: no suitable address found\n",
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
        // Where no name server answers, musl asks on until a limit has passed.
        let expected = if stderr.contains("i/o timeout") { 124 } else { 1 };
        assert_eq!((exit, stdout.as_str()), (Some(expected), ""), "{stderr}");
        assert!(stderr.contains("lookup no-such-host.invalid: ") && stderr.lines().count() == 1, "{stderr}");
    }
    Ok(())
}

/// Root may bind every port: then the program runs as nobody.
#[test]
fn without_permission_a_port_is_refused_in_one_clear_line() -> io::Result<()> {
    let first: u16 = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start")?.trim().parse().unwrap();
    if first == 0 {
        say(format_args!("skipped: every port may be bound by everybody"));
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let Some(mut command) = nobody::command(TCPSOCK, folder.path()) else { return Ok(()) };
    let address = format!("127.0.0.1:{}", first - 1);
    refused(command.args(["serve", "--timeout", "10s", "--address", &address]), &address)
}

fn refused(command: &mut Command, address: &str) -> io::Result<()> {
    let output = command.output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr, format!("tcpsock: bind {address}: Permission denied (os error 13)\n"));
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
        let setup = Setup { command: "serve", network, program: TCPSOCK };
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

/// The address is accept(2)'s own: the connection has none any more.
#[test]
fn a_peer_that_resets_before_it_is_accepted_is_shown_by_its_address() -> io::Result<()> {
    let mut server = TCP.start(&["-v"])?;
    server.stop()?;
    let peer = server.connect()?;
    let address = peer.0.local_addr()?.as_socket().unwrap();
    peer.0.set_linger(Some(std::time::Duration::ZERO))?;
    drop(peer);
    server.signal(nix::sys::signal::Signal::SIGCONT)?;
    let mut line = String::new();
    BufReader::new(server.take_stderr()).read_line(&mut line)?;
    assert_eq!(line, format!("Established a connection with a client application. (remote address: {address})\n"));
    Ok(())
}

#[test]
fn a_port_may_be_left_out_and_an_ipv4_address_be_written_as_one_of_ipv6() -> io::Result<()> {
    for address in ["127.0.0.1:", "[::ffff:127.0.0.1]:0"] {
        for network in ["tcp", "tcp4"] {
            let server = Setup { command: "serve", network, program: TCPSOCK }.start(&["--address", address])?;
            assert!(server.address.starts_with("127.0.0.1:"), "{}", server.address);
            assert_eq!(server.connect()?.ask("27")?, CUBE_ROOT_OF_27);
        }
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
