//! What `names` and `unixgram` show is what this kernel does; and how their options are given.

#[path = "../../shared/tests/harness/mod.rs"]
mod harness;

use std::process::Output;

use harness::Result;
use serde_json::{Value, json};

fn run(arguments: &[&str]) -> Result<Output> {
    Ok(harness::output(&mut harness::command(env!("CARGO_BIN_EXE_unixsock"), arguments))?)
}

fn records(output: &Output) -> Result<Vec<Value>> {
    Ok(std::str::from_utf8(&output.stdout)?.lines().map(serde_json::from_str).collect::<serde_json::Result<_>>()?)
}

#[test]
fn a_path_stays_behind_and_a_name_without_a_file_does_not() -> Result {
    let shown = records(&run(&["names", "--json"])?)?;
    let [path, name] = &shown[..2] else { return Err(format!("{shown:?}").into()) };
    assert_eq!(path["is_file"], true, "{path}");
    let calls = [&path["connect"], &path["connect_after_close_error"], &path["bind_again_error"]];
    assert_eq!(calls, [&json!(0), &json!("ECONNREFUSED"), &json!("EADDRINUSE")]);
    assert_eq!([&name["is_file"], &name["connect"], &name["bind_again"]], [&json!(false), &json!(0), &json!(0)]);
    Ok(())
}

#[test]
fn without_a_network_a_unix_socket_is_reached_and_tcp_is_not() -> Result {
    let output = run(&["names", "--json"])?;
    if output.status.code() == Some(77) {
        harness::say(format_args!("skipped: {}", harness::text(&output.stderr)));
        return Ok(());
    }
    let shown = records(&output)?;
    let without = shown.iter().find(|record| record["has_network"] == false).ok_or("no such record")?;
    assert_eq!((&without["tcp_error"], &without["unix"]), (&json!("ENETUNREACH"), &json!(1)));
    Ok(())
}

#[test]
fn a_datagram_of_a_socket_without_a_name_cannot_be_answered() -> Result {
    let shown = records(&run(&["--json", "unixgram"])?)?;
    assert_eq!((shown.len(), &shown[0]["received_texts"]), (1, &shown[0]["sent_texts"]));
    assert_eq!(shown[0]["answer_error"], "EINVAL", "{shown:?}");
    Ok(())
}

#[test]
fn json_and_verbose_stand_before_the_command_or_after_it() -> Result {
    for arguments in [["--json", "boundaries"], ["boundaries", "--json"]] {
        assert_eq!(records(&run(&arguments)?)?.len(), 13, "{arguments:?}");
    }
    for arguments in [["-vv", "boundaries"], ["boundaries", "-vv"]] {
        let said = String::from_utf8(run(&arguments)?.stderr)?;
        assert!(said.lines().any(|line| line.starts_with("recvmsg(")), "{arguments:?}: {said}");
    }
    Ok(())
}

#[test]
fn what_has_no_records_is_no_json() -> Result {
    let commands: [&[&str]; 3] = [&["demo"], &["client"], &["pass-fd", "recv", "socket"]];
    for command in commands {
        for arguments in [[&["--json"], command].concat(), [command, &["--json"]].concat()] {
            let output = run(&arguments)?;
            let said = String::from_utf8(output.stderr)?;
            assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{arguments:?}: {said}");
        }
    }
    Ok(())
}
