//! What `unixsock serve` must stand: all that tcpsock must, on both kinds of connections.

#![allow(clippy::unwrap_used, reason = "these are tests")]

#[path = "../../shared/tests/nobody/mod.rs"]
mod nobody;
#[path = "../../shared/tests/server/mod.rs"]
mod server;

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use server::process::{Setup, find_tool};
use server::{CUBE_ROOT_OF_27, Peer, assert_text};

const UNIXSOCK: &str = env!("CARGO_BIN_EXE_unixsock");

mod unix {
    use super::*;
    every_fact_of_a_stream!("unix", UNIXSOCK);
    stands!(
        "serve",
        "unix",
        UNIXSOCK,
        bytes_behind_descriptors_are_answered,
        a_client_whose_user_cannot_be_asked_for_is_the_only_one_refused,
    );
}

/// Without those that cut messages into pieces: a record is a message.
mod unixpacket {
    use super::*;
    stands!(
        "serve",
        "unixpacket",
        UNIXSOCK,
        an_idle_peer_is_closed_at_its_deadline_and_not_before,
        without_descriptors_it_neither_spins_nor_loses_a_client,
        no_more_than_the_maximum_are_served_at_one_time,
        a_second_signal_ends_it_at_once_by_itself,
        a_signal_that_was_blocked_when_it_started_ends_it,
        peers_that_do_not_read_cost_40_kb_each_and_it_is_given_back,
        the_grace_period_ends_for_a_peer_that_stays,
        an_inherited_ignore_of_sigint_stays,
        a_deadline_for_serving_ends_it_with_124,
        no_client_is_refused_or_reset_at_a_restart,
        a_client_that_reconnects_gets_every_answer_once,
        a_listener_that_was_handed_over_is_served,
        systemd_hands_over_a_listener,
    );
}

const STREAM: Setup = Setup { command: "serve", network: "unix", program: UNIXSOCK };
const PACKET: Setup = Setup { command: "serve", network: "unixpacket", program: UNIXSOCK };

fn serve(address: &str) -> Command {
    let mut command = Command::new(UNIXSOCK);
    command.args(["serve", "--address", address, "--timeout", "100ms"]).stdin(Stdio::null());
    command
}

/// What it says of an address at which somebody is, in the words of the C library.
fn is_taken(address: &str) -> String {
    format!("unixsock: bind {address}: {}\n", io::Error::from(Errno::EADDRINUSE))
}

/// Exit code and stderr of a server that cannot start.
fn refused(address: &str) -> io::Result<(Option<i32>, String)> {
    let output = serve(address).output()?;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn probe(network: &str, address: &str) -> io::Result<(Option<i32>, String)> {
    let args = ["client", "--probe", "--deadline", "500ms", "--network", network, "--address", address];
    let output = server::harness::output(&mut server::harness::command(UNIXSOCK, &args))?;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// It was in the backlog before the peer that is answered.
#[test]
fn a_probe_finds_a_server_and_asks_nothing_of_it() -> io::Result<()> {
    for setup in [STREAM, PACKET] {
        let server = setup.start(&[])?;
        assert_eq!(probe(setup.network, &server.address)?, (Some(0), String::new()));
        assert_eq!(server.connect()?.ask("27")?, CUBE_ROOT_OF_27);
        let address = server.address.clone();
        let counts = server.end_by(Signal::SIGTERM)?;
        assert_eq!(counts, "served connections=1 requests=1 timed_out=0 failed=0 cut_off=0 probes=1\n");
        let gone = format!("unixsock: dial {} {address}: No such file or directory (os error 2)\n", setup.network);
        assert_eq!(probe(setup.network, &address)?, (Some(1), gone));
    }
    Ok(())
}

#[test]
fn a_probe_finds_a_name_refuses_a_stranger_and_gives_up_in_time() -> io::Result<()> {
    let name = format!("@probed-{}", std::process::id());
    let refused = format!("unixsock: dial unix {name}: Connection refused (os error 111)\n");
    assert_eq!(probe("unix", &name)?, (Some(1), refused));
    let listener = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
    listener.bind(&socket2::SockAddr::unix(format!("\0{}", &name[1..]))?)?;
    listener.listen(0)?;
    assert_eq!(probe("unix", &name)?, (Some(0), String::new()));
    // The one that has gone is still in the backlog, which has room for no other.
    let late = format!("unixsock: dial unix {name}: i/o timeout\n");
    assert_eq!(probe("unix", &name)?, (Some(124), late));
    Ok(())
}

#[test]
fn a_record_is_a_message_with_or_without_its_tab() -> io::Result<()> {
    let server = PACKET.start(&[])?;
    let peer = server.connect()?;
    for (request, answer) in
        [("27\t", "The cube root of 27 is 3.000000.\t"), ("8", "The cube root of 8 is 2.000000.\t")]
    {
        peer.send(request)?;
        assert_text(&peer.record()?, answer);
    }
    Ok(())
}

#[test]
fn a_thousand_records_are_answered_a_record_each() -> io::Result<()> {
    let server = PACKET.start(&[])?;
    let peer = server.connect()?;
    std::thread::scope(|scope| {
        scope.spawn(|| (0..1000).try_for_each(|number: i32| peer.send(format!("{}\t", number.pow(3)))));
        for number in 0..1000i32 {
            let answer = format!("The cube root of {} is {number}.000000.\t", number.pow(3));
            assert_text(&peer.record()?, &answer);
        }
        Ok(())
    })
}

#[test]
fn a_record_longer_than_a_message_is_reported_and_never_a_message() -> io::Result<()> {
    let cut_in_a_number = [[b'\t'; 8190].as_slice(), b"1234567\t"].concat();
    for record in [vec![b'7'; 4098], vec![b'7'; 8192], vec![b'\t'; 8193], cut_in_a_number, vec![b'7'; 100_000]] {
        let server = PACKET.start(&[])?;
        let peer = server.connect()?;
        peer.send(record)?;
        assert_text(&peer.record()?, "request longer than 4096 bytes!\t");
        assert_eq!(peer.record()?, b"", "closed");
    }
    Ok(())
}

#[test]
fn the_longest_message_is_answered_in_one_record() -> io::Result<()> {
    let server = PACKET.start(&[])?;
    let peer = server.connect()?;
    let message = "x".repeat(4096);
    peer.send(format!("{message}\t"))?;
    assert_text(&peer.record()?, &format!("'{message}' is not integer!\t"));
    Ok(())
}

#[test]
fn records_received_before_a_signal_are_answered() -> io::Result<()> {
    let server = PACKET.start(&[])?;
    let peer = server.connect()?;
    (0..50).try_for_each(|_| peer.send("27\t"))?;
    server.signal(Signal::SIGTERM)?;
    for _ in 0..50 {
        assert_text(&peer.record()?, &format!("{CUBE_ROOT_OF_27}\t"));
    }
    assert_eq!(peer.record()?, b"");
    drop(peer);
    assert!(server.has_ended_in_order()?.contains("requests=50 "));
    Ok(())
}

/// Both sides have much to write; neither may wait for the other to read.
#[test]
fn many_requests_are_asked_without_a_deadlock() -> io::Result<()> {
    let numbers: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
    for setup in [STREAM, PACKET] {
        let server = setup.start(&[])?;
        let mut client = Command::new(UNIXSOCK);
        client.args(["client", "--timeout", "30s", "--network", setup.network, "--address", &server.address]);
        let asked = client.args(&numbers).output()?;
        assert_eq!((asked.status.code(), asked.stderr.as_slice()), (Some(0), b"".as_slice()));
        assert_eq!(asked.stdout.iter().filter(|&&byte| byte == b'\n').count(), numbers.len());
    }
    Ok(())
}

#[test]
fn the_file_is_for_its_owner_alone_and_goes_with_the_server() -> io::Result<()> {
    for setup in [STREAM, PACKET] {
        let server = setup.start(&[])?;
        let file = fs::symlink_metadata(&server.address)?;
        assert!(file.file_type().is_socket());
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        let address = server.address.clone();
        let folder = Path::new(&address).parent().unwrap().to_owned();
        server.signal(Signal::SIGTERM)?;
        let mut server = server;
        server.wait()?;
        assert_eq!(fs::read_dir(folder)?.count(), 0);
    }
    Ok(())
}

#[test]
fn the_file_goes_at_the_second_ctrl_c_too() -> io::Result<()> {
    let mut server = STREAM.start(&["--grace", "10m"])?;
    let peer = server.connect()?;
    server.signal(Signal::SIGINT)?;
    assert_eq!(peer.rest()?, b"");
    server.signal(Signal::SIGINT)?;
    assert_eq!(server.wait()?.signal(), Some(Signal::SIGINT as i32));
    assert!(!Path::new(&server.address).exists());
    Ok(())
}

#[test]
fn a_stale_file_is_replaced() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    drop(UnixListener::bind(&path)?);
    let output = serve(path.to_str().unwrap()).output()?;
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("listening unix {}\n", path.display()));
    assert!(!path.exists());
    Ok(())
}

#[test]
fn a_live_server_is_left_alone() -> io::Result<()> {
    let server = STREAM.start(&[])?;
    let taken = is_taken(&server.address);
    assert_eq!(refused(&server.address)?, (Some(1), taken));
    assert_eq!(server.connect()?.ask("27")?, CUBE_ROOT_OF_27);
    let folder = tempfile::tempdir()?;
    let datagrams = folder.path().join("datagrams");
    let _bound = UnixDatagram::bind(&datagrams)?;
    let address = datagrams.to_str().unwrap();
    assert_eq!(refused(address)?, (Some(1), is_taken(address)));
    assert!(datagrams.exists());
    Ok(())
}

/// The file belongs to whoever stands there now.
#[test]
fn only_its_own_file_is_removed() -> io::Result<()> {
    let mut server = STREAM.start(&[])?;
    fs::remove_file(&server.address)?;
    let _other = UnixListener::bind(&server.address)?;
    server.signal(Signal::SIGTERM)?;
    assert_eq!(server.wait()?.code(), Some(0));
    assert!(Path::new(&server.address).exists());
    Ok(())
}

#[test]
fn what_is_no_socket_is_never_replaced() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "kept")?;
    fs::create_dir(at("folder"))?;
    drop(UnixListener::bind(at("stale"))?);
    symlink(at("stale"), at("link"))?;
    symlink(at("nowhere"), at("dangling"))?;
    for name in ["file", "folder", "link", "dangling"] {
        let address = at(name).display().to_string();
        assert_eq!(refused(&address)?, (Some(1), format!("unixsock: bind {address}: exists and is not a socket\n")));
    }
    assert_eq!(fs::read_to_string(at("file"))?, "kept");
    assert!(at("stale").exists() && at("folder").exists() && fs::symlink_metadata(at("link"))?.is_symlink());
    Ok(())
}

#[test]
fn an_address_that_cannot_be_is_one_clear_line() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let long = format!("{}/{}", folder.path().display(), "x".repeat(200));
    let why = format!("a path of {} bytes, and at most 107 fit into an address", long.len());
    assert_eq!(refused(&long)?, (Some(1), format!("unixsock: bind {long}: {why}\n")));
    let missing = folder.path().join("missing/socket").display().to_string();
    assert_eq!(
        refused(&missing)?,
        (Some(1), format!("unixsock: bind {missing}: No such file or directory (os error 2)\n"))
    );
    assert_eq!(refused("")?.0, Some(2));
    Ok(())
}

/// Root may write everywhere: then the program runs as nobody.
#[test]
fn an_unwritable_folder_is_one_clear_line() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(mut command) = nobody::command(UNIXSOCK, folder.path()) else { return Ok(()) };
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555))?;
    let address = folder.path().join("socket").display().to_string();
    let output = command.args(["serve", "--timeout", "10s", "--address", &address]).output()?;
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(stderr, format!("unixsock: bind {address}: Permission denied (os error 13)\n"));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))
}

#[test]
fn an_abstract_name_has_no_file() -> io::Result<()> {
    let name = format!("@unixsock-test-{}", std::process::id());
    let server = STREAM.start(&["--address", &name])?;
    let output = Command::new(UNIXSOCK).args(["client", "--address", &name, "27"]).output()?;
    assert_text(&output.stdout, &format!("{CUBE_ROOT_OF_27}\n"));
    assert_eq!(refused(&name)?, (Some(1), is_taken(&name)));
    server.end_by(Signal::SIGTERM).map(drop)
}

#[test]
fn several_event_loops_share_one_socket() -> io::Result<()> {
    let server = STREAM.start(&["--threads", "3"])?;
    let peers: Vec<Peer> = (0..30).map(|_| server.connect()).collect::<Result<_, _>>()?;
    for peer in &peers {
        assert_eq!(peer.ask("27")?, CUBE_ROOT_OF_27);
    }
    drop(peers);
    assert!(server.end_by(Signal::SIGINT)?.contains("connections=30 requests=30 "));
    Ok(())
}

#[test]
fn whoever_is_not_allowed_is_refused_with_a_word() -> io::Result<()> {
    let mine = nix::unistd::Uid::effective().to_string();
    let server = STREAM.start(&["--allow-uid", &mine])?;
    assert_eq!(server.connect()?.ask("27")?, CUBE_ROOT_OF_27);
    let other = nix::unistd::Uid::effective().as_raw() + 1;
    let server = STREAM.start(&["--allow-uid", &other.to_string()])?;
    assert_eq!(server.connect()?.rest()?, b"");
    server.signal(Signal::SIGTERM)?;
    let (mut server, me) = (server, std::process::id());
    server.wait()?;
    assert!(server.stderr()?.starts_with(&format!("refused: a client that runs as UID {mine} (PID {me})\n")));
    Ok(())
}

#[test]
fn socat_can_talk_to_it() -> io::Result<()> {
    let Some(socat) = find_tool("socat") else { return Ok(()) };
    let server = STREAM.start(&[])?;
    let mut socat = Command::new(socat);
    socat.args(["-t10", "-", &format!("UNIX-CONNECT:{}", server.address)]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut socat = socat.spawn()?;
    socat.stdin.take().unwrap().write_all(b"27\t")?;
    assert_text(&socat.wait_with_output()?.stdout, &format!("{CUBE_ROOT_OF_27}\t"));
    Ok(())
}

/// A name may hold what would forge a line or move a terminal's cursor.
#[test]
fn addresses_are_shown_escaped() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (path, peer) = (folder.path().join("根\n\x1b[2J"), folder.path().join("peer\nlistening unix forged"));
    let mut server = serve(path.to_str().unwrap()).arg("-v").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut listening = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut listening)?;
    assert_eq!(listening, format!("listening unix {}/根\\n\\u{{1b}}[2J\n", folder.path().display()));
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
    socket.bind(&socket2::SockAddr::unix(&peer)?)?;
    socket.connect(&socket2::SockAddr::unix(&path)?)?;
    drop(socket);
    let told = String::from_utf8(server.wait_with_output()?.stderr).unwrap();
    let address = format!("(remote address: {}/peer\\nlistening unix forged)\n", folder.path().display());
    assert!(told.contains(&address), "{told}");
    Ok(())
}
