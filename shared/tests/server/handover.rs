//! Listeners that travel: from `hold`, from systemd, by number.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output};

use nix::sys::signal::{Signal, kill};

use super::harness::{self, find_tool, text};
use super::process::Setup;
use super::{CUBE_ROOT_OF_27, Peer};

/// What `hold` does with `script`, whose `$0` is the program.
fn hold(setup: &Setup, script: &str) -> io::Result<Output> {
    let folder = tempfile::tempdir()?;
    let address = setup.address_in(folder.path());
    let options = ["hold", "--network", setup.network, "--address", &address, "--", "sh", "-c", script, setup.program];
    harness::output(&mut harness::command(setup.program, &options))
}

pub fn a_listener_that_was_handed_over_is_served(setup: &Setup) -> io::Result<()> {
    let holding = Setup { command: "hold", ..*setup };
    for script in [r#"exec "$0" serve"#, r#"exec "$0" serve --listen-fd 3"#, r#"exec "$0" serve --threads 3"#] {
        let mut server = holding.start(&["sh", "-c", script, setup.program])?;
        let peers: Vec<Peer> = (0..10).map(|_| server.connect()).collect::<Result<_, _>>()?;
        for peer in &peers {
            assert_eq!(peer.ask("27")?, CUBE_ROOT_OF_27);
        }
        drop(peers);
        server.signal(Signal::SIGTERM)?;
        assert_eq!(server.wait()?.code(), Some(0));
        let is_file = server.address.starts_with('/');
        assert_eq!(Path::new(&server.address).exists(), is_file, "the file is not the server's");
    }
    Ok(())
}

/// The file that the last one left is stale.
pub fn what_was_held_can_be_held_again(setup: &Setup) -> io::Result<()> {
    let twice = format!(r#"exec "$0" hold --network {} --address "$1" sh -c "echo held again""#, setup.network);
    let folder = tempfile::tempdir()?;
    let address = setup.address_in(folder.path());
    for _ in 0..2 {
        let output = harness::output(&mut harness::command("sh", &["-c", &twice, setup.program, &address]))?;
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    }
    Ok(())
}

pub fn a_listener_for_another_process_is_left_alone(setup: &Setup) -> io::Result<()> {
    let mut command = Command::new(setup.program);
    command.env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
    let server = setup.start_as(command, &[])?;
    assert_eq!(server.connect()?.ask("27")?, CUBE_ROOT_OF_27);
    Ok(())
}

/// By the real systemd, where it is.
pub fn systemd_hands_over_a_listener(setup: &Setup) -> io::Result<()> {
    let Some(systemd) = find_tool("systemd-socket-activate") else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let mut address = setup.address_in(folder.path());
    if address.ends_with(":0") {
        // systemd does not say which port it got.
        address = std::net::TcpListener::bind(address)?.local_addr()?.to_string();
    }
    let mut command = harness::command(systemd, &["--listen", &address]);
    command.args((setup.network == "unixpacket").then_some("--seqpacket")).args([setup.program, "serve"]);
    let mut server = command.spawn()?;
    let (mut stdout, mut stderr) =
        (server.stdout.take().map(BufReader::new).unwrap(), server.stderr.take().map(BufReader::new).unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line)?;
    assert!(line.starts_with("Listening on "), "{line}");
    let peer = Peer::connect(setup.network, &address)?;
    line.clear();
    stdout.read_line(&mut line)?;
    assert_eq!(line, format!("listening {} {address}\n", setup.network));
    assert_eq!(peer.ask("27")?, CUBE_ROOT_OF_27);
    drop(peer);
    kill(harness::pid(&server), Signal::SIGTERM)?;
    assert_eq!(harness::wait(&mut server)?.code(), Some(0));
    Ok(())
}

pub fn what_is_no_listener_or_not_the_one_that_was_meant_is_a_usage_error(setup: &Setup) -> io::Result<()> {
    let elsewhere = if setup.network == "tcp" { ["127.0.0.1:1", "tcp6"] } else { ["elsewhere", "unixpacket"] };
    let [address, network] = elsewhere;
    for (script, why) in [
        (r#"exec "$0" serve --listen-fd 0"#, "descriptor 0: not a listening socket".to_owned()),
        (r#"exec "$0" serve --listen-fd 99"#, "descriptor 99: Bad file descriptor (os error 9)".to_owned()),
        (r#"LISTEN_FDS=2 exec "$0" serve 4< /dev/null"#, "LISTEN_FDS=2: --listen-fd N says which to serve".to_owned()),
        (&format!(r#"exec "$0" serve --address {address}"#), format!(", not on {address}")),
        (&format!(r#"exec "$0" serve --network {network}"#), format!(", not on {network}")),
    ] {
        let output = hold(setup, script)?;
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""), "{said}");
        assert!(said.lines().count() == 1 && said.ends_with(&format!("{why}\n")), "{said}");
    }
    Ok(())
}

/// Beside what anybody has: the same descriptors, signal mask and actions, and the listener as descriptor 3.
pub fn a_command_of_hold_has_the_listener_and_nothing_else_of_ours(setup: &Setup) -> io::Result<()> {
    // Without the two signals of the C library: the first 31 are the standard ones.
    let signals = r"exec sed -nE 's/^(Sig(Blk|Ign)):.*(.{8})$/\1 \3/p' /proc/self/status";
    let script = format!("echo $LISTEN_FDS:$((LISTEN_PID == $$)); ls /proc/$$/fd; {signals}");
    let alone = harness::output(&mut harness::command("sh", &["-c", &script]))?;
    let held = hold(setup, &script)?;
    let (alone, held) = (text(&alone.stdout), text(&held.stdout));
    let mut expected: Vec<&str> = alone.lines().skip(1).chain(["1:1", "3"]).collect();
    let mut lines: Vec<&str> = held.lines().collect();
    expected.sort_unstable();
    lines.sort_unstable();
    assert_eq!(lines, expected);
    Ok(())
}

pub fn a_command_that_cannot_be_run_is_126_or_127_and_leaves_no_file(setup: &Setup) -> io::Result<()> {
    for (command, code) in [("/does/not/exist", 127), ("/", 126)] {
        let folder = tempfile::tempdir()?;
        let address = setup.address_in(folder.path());
        let options = ["hold", "--network", setup.network, "--address", &address, command];
        let output = harness::output(&mut harness::command(setup.program, &options))?;
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(code), ""));
        assert_eq!(folder.path().read_dir()?.count(), 0);
    }
    Ok(())
}
