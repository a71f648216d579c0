//! Addresses that a machine has only for a while: each test in a network of its own.

#![allow(clippy::unwrap_used, reason = "these are tests")]

#[path = "../../shared/tests/server/mod.rs"]
mod server;

use std::io;
use std::process::{Command, Stdio};

use server::process::find_tool;
use server::say;

/// Runs `script` in a network namespace whose loopback interface has been set up; `None`, said aloud, where that may
/// not be.
fn in_a_network(set_up: &str, script: &str) -> io::Result<Option<String>> {
    let (Some(unshare), Some(_)) = (find_tool("unshare"), find_tool("ip")) else { return Ok(None) };
    let script = format!("ip link set lo up && {set_up} || exit 77\n{script}");
    let mut shell = Command::new(unshare);
    shell.args(["--map-root-user", "--net", "timeout", "30", "sh", "-c", &script]);
    shell.env("TCPSOCK", env!("CARGO_BIN_EXE_tcpsock")).stdin(Stdio::null());
    let output = shell.output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.stdout.is_empty() {
        say(format_args!("skipped: no network of one's own: {}", text(&output.stderr).trim_end()));
        return Ok(None);
    }
    Ok(Some(text(&output.stdout)))
}

/// The kernel has one port to give, and it is the one that is dialled.
#[test]
fn a_socket_that_is_connected_to_itself_is_refused() -> io::Result<()> {
    let set_up = "echo 40000 40000 > /proc/sys/net/ipv4/ip_local_port_range";
    let script = r#"
        for address in 127.0.0.1:40000 "[::1]:40000"; do
            "$TCPSOCK" client --address "$address" 27 2>&1; echo "$?"
            "$TCPSOCK" load --address "$address" --duration 100ms 2>&1; echo "$?"
        done"#;
    let Some(told) = in_a_network(set_up, script)? else { return Ok(()) };
    let refused = |address| format!("tcpsock: dial tcp {address}: Connection refused (os error 111)\n1\n").repeat(2);
    assert_eq!(told, [refused("127.0.0.1:40000"), refused("[::1]:40000")].concat());
    Ok(())
}

#[test]
fn an_address_with_a_zone_is_listened_on_dialled_and_shown_with_it() -> io::Result<()> {
    let script = r#"
        folder=$(mktemp -d); mkfifo "$folder/listening"
        "$TCPSOCK" serve -v --address "[fe80::1%lo]:0" > "$folder/listening" 2> "$folder/told" &
        read -r _ _ address < "$folder/listening"
        echo "$address"
        "$TCPSOCK" client --address "$address" 27
        "$TCPSOCK" client --address "${address%:*}:9" 27 2>&1
        kill "$!"; wait
        grep Established "$folder/told"
        rm -r "$folder""#;
    let Some(told) = in_a_network("ip -6 address add fe80::1/64 dev lo nodad", script)? else { return Ok(()) };
    let [listening, answer, refused, established] = told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
    assert!(listening.starts_with("[fe80::1%lo]:"), "{told}");
    assert_eq!(answer, server::CUBE_ROOT_OF_27);
    assert_eq!(refused, "tcpsock: dial tcp [fe80::1%lo]:9: Connection refused (os error 111)");
    assert!(established.contains("(remote address: [fe80::1%lo]:"), "{told}");
    Ok(())
}
