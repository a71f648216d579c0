//! What the experiments show is what this kernel does.

#[path = "../../shared/tests/harness/mod.rs"]
mod harness;
#[path = "../../shared/tests/nobody/mod.rs"]
mod nobody;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::process::{Command, Output, Stdio};

use harness::Result;
use serde_json::{Value, json};
use socket2::{Domain, Protocol, Socket, Type};
use unicode_width::UnicodeWidthStr;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tcpsock");

/// All experiments; deadlines so far ahead that a busy machine does not pass them by accident.
const ALL: [&[&str]; 13] = [
    &["sockets"],
    &["raw"],
    &["udp"],
    &["listen"],
    &["connect"],
    &["addresses"],
    &["eagain"],
    &["eagain", "--network", "unix"],
    &["read"],
    &["concurrent"],
    &["close"],
    &["buffered", "--deadline", "300ms"],
    &["deadline", "--deadline", "300ms"],
];

// sockets

#[test]
fn sockets_says_what_the_kernel_says() -> Result {
    let rows = records(&["sockets"])?;
    assert_eq!(rows.len(), 2 * 4 * 5 + 4, "two domains with 0 and four protocols, and AF_UNIX with 0");
    for row in rows {
        let find = |name: &str, known: &[(&str, i32)]| {
            known.iter().find(|(known, _)| row[name] == *known).map(|(_, number)| *number).ok_or(format!("{row}"))
        };
        let domain = find("domain", &[("AF_INET", 2), ("AF_INET6", 10), ("AF_UNIX", 1)])?;
        let kind = find("type", &[("SOCK_STREAM", 1), ("SOCK_DGRAM", 2), ("SOCK_RAW", 3), ("SOCK_SEQPACKET", 5)])?;
        let protocol = find(
            "protocol",
            &[
                ("0", 0),
                ("IPPROTO_ICMP", 1),
                ("IPPROTO_TCP", 6),
                ("IPPROTO_UDP", 17),
                ("IPPROTO_ICMPV6", 58),
                ("IPPROTO_SCTP", 132),
            ],
        )?;
        match Socket::new(Domain::from(domain), Type::from(kind), Some(Protocol::from(protocol))) {
            Ok(socket) => {
                assert_eq!(row.get("error"), None, "{row}");
                assert_eq!(row["opened_as"], format!("{:?}", socket.r#type()?), "{row}");
            }
            Err(error) => {
                let known = nix::errno::Errno::from_raw(error.raw_os_error().ok_or("no errno")?);
                assert_eq!(row["error"], format!("{known:?}"), "{row}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_raw_unix_socket_is_accepted_and_becomes_a_datagram_socket() -> Result {
    let lines = text(&["sockets"])?;
    let wanted = "AF_UNIX SOCK_RAW 0: ok, opened as SOCK_DGRAM; note: 无效, differs: claim=154";
    assert!(lines.lines().any(|line| line == wanted), "{lines}");
    let wanted = "AF_INET SOCK_STREAM 0: ok, opened as SOCK_STREAM IPPROTO_TCP; note: TCP或SCTP";
    assert!(lines.lines().any(|line| line == wanted), "{lines}");
    Ok(())
}

#[test]
fn protocol_0_is_no_choice_for_a_raw_socket() -> Result {
    let rows = records(&["sockets"])?;
    let raw = rows.iter().find(|row| row["type"] == "SOCK_RAW" && row["protocol"] == "0").ok_or("no such row")?;
    assert_eq!(
        [&raw["domain"], &raw["error"], &raw["claim"]],
        [&json!("AF_INET"), &json!("EPROTONOSUPPORT"), &json!(151)]
    );
    Ok(())
}

#[test]
fn nobody_may_not_open_a_raw_socket_and_the_note_says_so() -> Result {
    let folder = tempfile::tempdir()?;
    let Some(mut command) = nobody::command(PROGRAM, folder.path()) else { return Ok(()) };
    let output = finish(command.args(["sockets", "--json"]).stdout(Stdio::piped()))?;
    let rows = parse(&output)?;
    let icmp =
        rows.iter().find(|row| row["type"] == "SOCK_RAW" && row["protocol"] == "IPPROTO_ICMP").ok_or("no row")?;
    assert_eq!(icmp["error"], "EPERM");
    assert_eq!(icmp.get("claim"), None, "{icmp}");
    Ok(())
}

/// Rows by their table, and the cell of each that a column names.
fn cells<'a>(rows: &'a [Value], table: &str, column: &str) -> Vec<&'a str> {
    rows.iter().filter(|row| row["table"] == table).filter_map(|row| row[column].as_str()).collect()
}

#[test]
fn the_tables_have_the_note_s_rows_and_no_empty_cell() -> Result {
    let rows = records(&["sockets", "--table"])?;
    assert_eq!(cells(&rows, "domains", "domain"), ["AF_INET", "AF_INET6", "AF_UNIX"]);
    assert_eq!(cells(&rows, "protocols", "domain"), ["AF_INET", "AF_INET6", "AF_UNIX"]);
    let features = ["数据形式", "数据边界", "逻辑边界", "数据有序性", "传输可靠性"];
    assert_eq!(cells(&rows, "types", "feature"), features);
    let literals = ["tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix", "unixgram", "unixpacket"];
    assert_eq!(cells(&rows, "literals", "literal"), literals);
    assert!(rows.iter().all(|row| row.as_object().unwrap().values().all(|cell| cell != "")), "{rows:?}");
    Ok(())
}

#[test]
fn a_cell_of_the_tables_is_what_the_kernel_did() -> Result {
    let rows = records(&["sockets", "--table"])?;
    assert_eq!(cells(&rows, "types", "SOCK_STREAM")[..2], ["bytes", "not kept"]);
    assert_eq!(cells(&rows, "types", "SOCK_SEQPACKET")[..2], ["messages", "kept"]);
    for connected in ["SOCK_SEQPACKET", "SOCK_STREAM"] {
        assert_eq!(cells(&rows, "types", connected)[2..], ["the connection's end", "in order", "1000 of 1000 came"]);
    }
    let datagrams = cells(&rows, "types", "SOCK_DGRAM");
    assert_eq!(datagrams[..3], ["messages", "kept", "no end"]);
    assert!(datagrams[4].ends_with(" of 1000 came") && datagrams[4].len() < "1000 of 1000 came".len(), "{datagrams:?}");
    assert_eq!(cells(&rows, "protocols", "SOCK_RAW")[2], "SOCK_DGRAM instead");
    assert_eq!(cells(&rows, "literals", "remark")[8], "AF_UNIX SOCK_SEQPACKET");
    Ok(())
}

#[test]
fn what_nobody_may_see_is_not_seen_here() -> Result {
    let folder = tempfile::tempdir()?;
    let Some(mut command) = nobody::command(PROGRAM, folder.path()) else { return Ok(()) };
    let rows = parse(&finish(command.args(["sockets", "--table", "--json"]).stdout(Stdio::piped()))?)?;
    assert_eq!(cells(&rows, "protocols", "SOCK_RAW")[0], "0/UDP/ICMP/SCTP/TCP not seen here");
    Ok(())
}

#[test]
fn tables_align_where_their_headings_are_chinese() -> Result {
    let text = text(&["sockets", "--table"])?;
    let ends = |line: &str| -> Vec<usize> {
        line.match_indices(" | ").map(|(place, _)| UnicodeWidthStr::width(&line[..place])).collect()
    };
    for table in text.split("\n\n") {
        let mut lines = table.lines().map(ends);
        let heading = lines.next().ok_or("no heading")?;
        assert!(lines.all(|line| line == heading), "{table}");
    }
    assert!(text.starts_with("通讯域   | 含义 | 地址形式 "), "{text}");
    Ok(())
}

// raw

#[test]
fn a_raw_socket_needs_a_capability_and_no_particular_user() -> Result {
    let Some(steps) = shown(&["raw"])? else { return Ok(()) };
    let types = step(&steps, "types")?;
    for kind in ["DGRAM", "RAW", "SEQPACKET", "STREAM"] {
        assert_eq!(types[kind.to_lowercase()], format!("SOCK_{kind}"), "{types}");
    }
    let packets = step(&steps, "packets")?;
    assert_eq!(packets["received_texts"], packets["sent_texts"]);
    let [heard, dropped] = ["heard", "dropped_by_kernel"].map(|key| packets[key].as_u64().unwrap_or(0));
    assert!(heard > 0 && dropped > 0 && heard + dropped == 1000, "{packets}");
    let asked = step(&steps, "capability")?;
    assert_eq!((&asked["without_capabilities"], &asked["without_socket_error"]), (&json!(0), &json!("EPERM")));
    assert_eq!(asked["with_socket"], "SOCK_RAW", "{asked}");
    assert_ne!(asked["uid"], 0, "{asked}");
    Ok(())
}

#[test]
fn nobody_is_shown_raw_sockets_in_a_network_of_its_own() -> Result {
    let folder = tempfile::tempdir()?;
    let Some(mut command) = nobody::command(PROGRAM, folder.path()) else { return Ok(()) };
    let output = finish(command.args(["--json", "raw"]).stdout(Stdio::piped()))?;
    if output.status.code() == Some(77) {
        return Ok(()); // No user namespaces here, and it says so.
    }
    let asked = parse(&output)?;
    let asked = step(&asked, "capability")?;
    assert_eq!([&asked["without_socket_error"], &asked["with_socket"]], ["EPERM", "SOCK_RAW"]);
    Ok(())
}

// listen

#[test]
fn an_ipv4_address_is_not_reached_from_ipv6_and_another_machines_is_refused() -> Result {
    let Some(steps) = shown(&["listen"])? else { return Ok(()) };
    let families: Vec<_> = steps.iter().filter(|record| record["step"] == "families").collect();
    assert_eq!([&families[0]["connect_v4"], &families[1]["connect_v4"]], [0; 2]);
    assert!(families[1]["connect_v6_error"].is_string(), "{families:?}");
    let host = step(&steps, "host")?;
    assert_eq!([&host["listen_local"], &host["listen_remote_error"]], [&json!(0), &json!("EADDRNOTAVAIL")]);
    let names = step(&steps, "names-without-dns")?;
    assert!(names["nosuchhost_error"].as_str().is_some_and(|said| said.contains("failed to lookup")), "{names}");
    Ok(())
}

// connect

#[test]
fn the_kernel_connects_before_accept_chooses_the_address_and_gives_up_by_itself() -> Result {
    let steps = records(&["connect"])?;
    let stream = step(&steps, "stream")?;
    assert_eq!([&stream["unconnected_write_error"], &stream["unconnected_read_error"]], ["EPIPE", "ENOTCONN"]);
    let backlog = step(&steps, "backlog")?;
    assert_eq!([&backlog["connected"], &backlog["accepted_then"]], [3, 3]);
    assert_eq!(
        (&backlog["accept_with_nobody_there_error"], &backlog["next_is_connected"]),
        (&json!("EAGAIN"), &json!(false))
    );
    assert_eq!(backlog["received"], backlog["sent"]);
    let addresses = step(&steps, "addresses")?;
    assert_eq!(addresses["seen_by_server"], json!([addresses["by_kernel"], addresses["bound"]]));
    let nobody = step(&steps, "nobody")?;
    assert_eq!(nobody["blocked_connect_error"], "ETIMEDOUT");
    assert!(nobody["syn_dropped"].as_u64() > Some(0), "{nobody}");
    Ok(())
}

// addresses

#[test]
fn port_and_address_stand_where_the_kernel_says_and_both_ends_agree() -> Result {
    let steps = records(&["addresses"])?;
    for (domain, at, bytes) in [("AF_INET", 4, 4), ("AF_INET6", 8, 16)] {
        let fields = steps.iter().find(|record| record["domain"] == domain).ok_or(domain)?;
        assert_eq!([&fields["port_at"], &fields["address_at"], &fields["address_bytes"]], [2, at, bytes]);
    }
    let ends = step(&steps, "ends")?;
    assert_eq!((&ends["client_local"], &ends["client_remote"]), (&ends["server_remote"], &ends["server_local"]));
    assert_eq!([&ends["network"], &ends["protocol"]], ["tcp", "IPPROTO_TCP"]);
    Ok(())
}

// read

#[test]
fn a_read_returns_with_what_has_come_and_leaves_the_rest_of_its_buffer_alone() -> Result {
    let steps = records(&["read"])?;
    let buffer = step(&steps, "buffer")?;
    assert_eq!((&buffer["got"], &buffer["rest"]), (&json!("abc"), &json!(".........")));
    let short = step(&steps, "short")?;
    assert_eq!((&short["reads"], &short["sent_sizes"]), (&json!([3, 4]), &json!([3, 4])));
    Ok(())
}

#[test]
fn the_notes_loop_reads_ten_bytes_at_most_until_the_connection_is_closed() -> Result {
    let steps = records(&["read"])?;
    let seen = step(&steps, "loop")?;
    assert_eq!((&seen["reads"], &seen["end"]), (&json!([10, 10, 5]), &json!("The connection is closed.")));
    Ok(())
}

// concurrent

#[test]
fn the_second_of_two_clients_is_answered_meanwhile_or_in_the_end() -> Result {
    let records = records(&["concurrent"])?;
    let [one, all] = &records[..] else { return Err(format!("{records:?}").into()) };
    assert_eq!([&one["second_meanwhile"], &one["second_in_the_end"]], [false, true]);
    assert_eq!([&all["second_meanwhile"], &all["second_in_the_end"]], [true, true]);
    Ok(())
}

// eagain

#[test]
fn accept_read_and_write_answer_eagain() -> Result {
    for network in ["tcp", "unix"] {
        let records = records(&["eagain", "--network", network])?;
        let returned = |call| {
            records.iter().filter(move |record| record["call"] == call).map(|record| record["returned"].as_u64())
        };

        let accept: Vec<_> = returned("accept").collect();
        assert!(matches!(accept[..], [None, Some(_), None]), "{accept:?}");
        let read: Vec<_> = returned("read").collect();
        assert_eq!(read, [None, Some(5), None, Some(2)], "{network}");
        assert_eq!(returned("write").filter(Option::is_none).count(), 2, "{network}");
    }
    Ok(())
}

#[test]
fn the_last_write_before_eagain_is_a_partial_one() -> Result {
    for network in ["tcp", "unix"] {
        let records = records(&["eagain", "--network", network])?;
        let writes: Vec<_> = records.iter().filter(|record| record["call"] == "write").collect();
        for pair in writes.windows(2) {
            let [asked, returned] = [&pair[0]["asked"], &pair[0]["returned"]].map(|value| value.as_u64().unwrap_or(0));
            assert_eq!(pair[1]["asked"], asked - returned, "what was not written is written next: {pair:?}");
            if pair[1]["returned_error"] == "EAGAIN" {
                assert!(0 < returned && returned < asked && pair[0]["partial"] == true, "{pair:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn an_event_tells_when_to_go_on_and_all_arrives() -> Result {
    for network in ["tcp", "unix"] {
        let records = records(&["eagain", "--network", network])?;
        let full = records.iter().position(|record| record["call"] == "write" && record["returned_error"] == "EAGAIN");
        let full = full.ok_or("no EAGAIN")?;
        assert_eq!(records[full + 1]["event"], "WRITABLE");
        assert_eq!(records[full + 1]["claim"], 173);
        assert_eq!(records[full + 2]["call"], "write");
        assert!(records[full + 2]["returned"].as_u64() > Some(0), "{network}: {}", records[full + 2]);
        let total = records.last().ok_or("no records")?;
        assert_eq!(
            [&total["sent"], &total["received"], &total["intact"]],
            [&json!(1 << 20), &json!(1 << 20), &json!(true)]
        );
        assert!(total["writable_events"].as_u64() > Some(0), "{total}");
    }
    Ok(())
}

#[test]
fn who_sleeps_in_epoll_tries_again_once_an_arrival() -> Result {
    for network in ["tcp", "unix"] {
        let records = records(&["eagain", "--network", network])?;
        let told = records.iter().find(|record| record["call"] == "epoll_wait").ok_or("no epoll_wait")?;
        assert_eq!([&told["arrivals"], &told["waits"], &told["eagain"]], [8, 8, 8], "{network}");
        let all = records.iter().find(|record| record["call"] == "recv MSG_WAITALL").ok_or("no recv")?;
        assert_eq!(all["returned"], 5, "{network}");
    }
    Ok(())
}

#[test]
fn every_nonblocking_call_is_shown_with_vv() -> Result {
    let output = run(&["eagain", "-vv"])?;
    let trace = String::from_utf8(output.stderr)?;
    for call in ["accept", "read", "write"] {
        let shown = |line: &str| line.starts_with(&format!("{call}(")) && line.ends_with(") = EAGAIN");
        assert!(trace.lines().any(shown), "no {call} in\n{trace}");
    }
    Ok(())
}

#[test]
fn a_unix_socket_of_the_kernels_choice_leaves_no_file() -> Result {
    let folder = tempfile::tempdir()?;
    let output =
        finish(Command::new(PROGRAM).args(["eagain", "--network", "unix"]).current_dir(&folder).stdout(Stdio::null()))?;
    assert!(output.status.success());
    assert_eq!(fs::read_dir(&folder)?.count(), 0);
    Ok(())
}

// udp

#[test]
fn udp_keeps_boundaries_and_cuts_what_does_not_fit() -> Result {
    let steps = records(&["udp"])?;
    let boundaries = step(&steps, "boundaries")?;
    assert_eq!(boundaries["received_texts"], json!(["one", "two", "three"]));
    let cut = step(&steps, "truncation")?;
    assert_eq!([&cut["sent"], &cut["received"], &cut["truncated"]], [&json!(10), &json!(4), &json!(true)]);
    assert_eq!(cut["next_text"], "next", "the rest is gone");
    Ok(())
}

#[test]
fn one_udp_socket_sends_and_receives_with_many() -> Result {
    let steps = records(&["udp"])?;
    let both = step(&steps, "both-directions")?;
    assert_eq!(
        [&both["received_texts"], &both["answers"]],
        [&json!(["ping", "ping of a third"]), &json!(["pong", "pong"])]
    );
    assert_eq!(both["claim"], 149);
    Ok(())
}

#[test]
fn a_connected_udp_socket_needs_no_address_and_hears_no_stranger() -> Result {
    let steps = records(&["udp"])?;
    let connect = step(&steps, "connect")?;
    assert_eq!(connect["sent_without_address"], 10);
    assert_eq!([&connect["received_text"], &connect["stranger_read_error"]], ["from the peer", "ECONNREFUSED"]);
    Ok(())
}

#[test]
fn udp_loses_what_the_receive_buffer_does_not_hold() -> Result {
    let steps = records(&["udp", "--flood", "500"])?;
    let loss = step(&steps, "loss")?;
    let [sent, received, dropped] =
        ["sent", "received", "dropped_by_kernel"].map(|key| loss[key].as_u64().unwrap_or(0));
    assert_eq!(sent, 500);
    assert_eq!(received + dropped, sent, "{loss}");
    assert!(received > 0 && dropped > 0, "{loss}");
    Ok(())
}

#[test]
fn a_datagram_in_the_unix_domain_waits_for_room() -> Result {
    let steps = records(&["udp"])?;
    let unix = step(&steps, "unixgram")?;
    assert!(unix["sent"].as_u64() > Some(0), "{unix}");
    assert_eq!([&unix["received"], &unix["in_order"]], [&unix["sent"]; 2]);
    Ok(())
}

#[test]
fn udp_learns_at_the_second_send_that_nobody_is_there() -> Result {
    let steps = records(&["udp"])?;
    let nobody = step(&steps, "nobody-there")?;
    assert_eq!([&nobody["connect"], &nobody["first_send"]], [&json!(0), &json!(14)]);
    assert_eq!(nobody["second_send_error"], "ECONNREFUSED");
    assert_eq!(step(&steps, "listen")?["listen_error"], "EOPNOTSUPP");
    Ok(())
}

// close

#[test]
fn eof_comes_after_the_rest_and_comes_again() -> Result {
    let steps = records(&["close"])?;
    assert_eq!(step(&steps, "eof")?["reads"], json!([4, 0, 0]));
    Ok(())
}

#[test]
fn after_a_half_close_the_other_direction_works() -> Result {
    let steps = records(&["close"])?;
    let half = step(&steps, "half-close")?;
    assert_eq!([&half["read"], &half["sent_after_eof"], &half["received"]], [0, 11, 11]);
    Ok(())
}

#[test]
fn unread_data_and_a_linger_of_zero_reset_the_connection() -> Result {
    let steps = records(&["close"])?;
    assert_eq!([&step(&steps, "unread")?["read_error"], &step(&steps, "linger-0")?["read_error"]], ["ECONNRESET"; 2]);
    Ok(())
}

#[test]
fn the_first_write_after_the_peers_close_succeeds_and_the_next_is_epipe() -> Result {
    let steps = records(&["close"])?;
    let write = step(&steps, "write")?;
    assert_eq!(
        [&write["read"], &write["first_write"], &write["second_write_error"]],
        [&json!(0), &json!(14), &json!("EPIPE")]
    );
    Ok(())
}

#[test]
fn shutdown_wakes_a_blocked_reader_and_close_does_not() -> Result {
    let steps = records(&["close"])?;
    let close = step(&steps, "close")?;
    assert_eq!([&close["blocked_read"], &close["next_read_error"]], [&json!(4), &json!("EBADF")]);
    assert_eq!(close["claim"], 188);
    assert_eq!(step(&steps, "shutdown")?["blocked_read"], 0);
    Ok(())
}

#[test]
fn a_closed_number_is_no_socket_and_a_double_still_is() -> Result {
    let steps = records(&["close"])?;
    let closed = step(&steps, "closed")?;
    assert_eq!([&closed["read_error"], &closed["write_error"], &closed["close_error"]], ["EBADF"; 3]);
    let dup = step(&steps, "dup")?;
    assert_eq!((&dup["cookie"], &dup["received_after_close"]), (&dup["double_cookie"], &json!(10)));
    Ok(())
}

// buffered

#[test]
fn a_reader_per_message_loses_what_it_read_ahead() -> Result {
    let steps = buffered()?;
    let lost = step(&steps, "reader-per-message")?;
    assert_eq!([&lost["sent"], &lost["received"], &lost["lost_bytes"]], [3, 1, 5]);
    Ok(())
}

#[test]
fn a_forgotten_flush_makes_both_sides_wait() -> Result {
    let steps = buffered()?;
    let flush = step(&steps, "forgotten-flush")?;
    assert_eq!([&flush["client_read_error"], &flush["server_read_error"]], ["i/o timeout"; 2]);
    assert_eq!(flush["server_read_after_flush"], flush["written"]);
    Ok(())
}

#[test]
fn a_drop_whose_flush_fails_loses_data_silently() -> Result {
    let steps = buffered()?;
    let drop = step(&steps, "drop")?;
    assert_eq!(
        [&drop["written"], &drop["received"], &drop["flush_error"]],
        [&json!(3), &json!(0), &json!("i/o timeout")]
    );
    Ok(())
}

#[test]
fn only_read_until_keeps_a_message_over_a_timeout() -> Result {
    let steps = buffered()?;
    assert_eq!(step(&steps, "lines")?["got"], "root ∛27 is 3");
    assert_eq!(step(&steps, "read_line")?["got"], "");
    let kept = step(&steps, "read_until")?;
    assert_eq!(kept["got"], kept["sent_text"]);
    for how in ["lines", "read_line", "read_until"] {
        assert_eq!(step(&steps, how)?["first_read_error"], "i/o timeout", "{how}");
    }
    Ok(())
}

#[test]
fn read_until_leaves_the_delimiter() -> Result {
    assert_eq!(step(&buffered()?, "delimiter")?["received_texts"], json!(["27\n", "8\n", "rest", ""]));
    Ok(())
}

#[test]
fn the_framing_has_a_limit_and_read_until_has_none() -> Result {
    let steps = buffered()?;
    let longest = step(&steps, "longest")?;
    assert_eq!(longest["read_until"], longest["sent"]);
    assert_eq!(longest["feed_error"], "message longer than 4096 bytes");
    Ok(())
}

#[test]
fn what_the_buffer_has_room_for_stays_and_what_it_has_not_goes_past_it() -> Result {
    let steps = buffered()?;
    let writers: Vec<_> = steps.iter().filter(|record| record["step"] == "writer").collect();
    let [small, large, copy] = writers[..] else { return Err(format!("{writers:?}").into()) };
    assert_eq!((&small["went_on"], &small["unsent"]), (&json!([5000]), &json!(0)));
    assert_eq!((&large["went_on"], &large["unsent"]), (&json!([]), &json!(5000)));
    assert_eq!(copy["went_on"][0], copy["capacity"]);
    Ok(())
}

#[test]
fn done_right_every_request_is_answered() -> Result {
    let answers = ["27 is 3", "8 is 2", "64 is 4"].map(|pair| format!("The cube root of {pair}.000000."));
    assert_eq!(step(&buffered()?, "done-right")?["received_texts"], json!(answers));
    Ok(())
}

fn buffered() -> Result<Vec<Value>> {
    records(&["buffered", "--deadline", "300ms"])
}

// deadline

#[test]
fn deadlines_hold_until_they_are_moved_and_timeouts_of_the_kernel_for_one_call() -> Result {
    let steps = records(&["deadline", "--deadline", "300ms"])?;
    let absolute = step(&steps, "absolute")?;
    assert_eq!([&absolute["read_error"], &absolute["next_read_error"]], ["i/o timeout"; 2]);
    assert!(absolute["received"].as_u64() > Some(0) && absolute["elapsed_ms"].as_u64() >= Some(300), "{absolute}");
    for unlimited in ["renewed", "SO_RCVTIMEO"] {
        let step = step(&steps, unlimited)?;
        assert_eq!(step["read"], 1, "{step}");
        assert!(step["elapsed_ms"].as_u64() >= Some(600), "{step}");
    }
    let passed = step(&steps, "passed")?;
    assert_eq!([&passed["read_error"], &passed["next_read_error"]], ["i/o timeout"; 2]);
    assert_eq!(passed["read_after_setting_again"], passed["sent_then"]);
    let past = step(&steps, "past")?;
    assert_eq!(
        [&past["buffered"], &past["read_error"], &past["read_of_nothing"], &past["write_error"]],
        [&json!(4), &json!("i/o timeout"), &json!(0), &json!("i/o timeout")]
    );
    let cancelled = step(&steps, "cancelled")?;
    assert_eq!(cancelled["read"], 1);
    assert!(cancelled["elapsed_ms"].as_u64() > Some(300), "{cancelled}");
    let write = step(&steps, "write")?;
    assert_eq!(write["write_error"], "i/o timeout");
    assert!(write["written"].as_u64() > Some(0) && write["elapsed_ms"].as_u64() >= Some(300), "{write}");
    let directions = step(&steps, "directions")?;
    let [own, other] = [
        ["read_by_read_deadline_error", "write_by_write_deadline_error"],
        ["write_by_read_deadline", "read_by_write_deadline"],
    ]
    .map(|keys| keys.map(|key| &directions[key]));
    assert_eq!((own, other), ([&json!("i/o timeout"); 2], [&json!(4); 2]), "{directions}");
    assert_eq!([&directions["read_by_both_error"], &directions["write_by_both_error"]], ["i/o timeout"; 2]);
    let dial = step(&steps, "dial")?;
    assert!(dial["dial_error"].as_str().is_some_and(|error| error.ends_with(": i/o timeout")), "{dial}");
    assert!(dial["queued"].as_u64() > Some(0), "{dial}");
    Ok(())
}

#[test]
fn another_thread_moves_the_deadline_of_a_read_that_waits() -> Result {
    let steps = records(&["deadline", "--deadline", "300ms"])?;
    let moved = step(&steps, "moved")?;
    assert_eq!((&moved["read_moved_to_now_error"], &moved["read_put_off"]), (&json!("i/o timeout"), &json!(4)));
    assert!(moved["elapsed_ms"].as_u64() >= Some(300), "{moved}");
    Ok(())
}

#[test]
fn an_experiment_ends_at_its_timeout() -> Result {
    for experiment in ["deadline", "buffered"] {
        let output = run(&[experiment, "--deadline", "1min", "--timeout", "50ms"])?;
        assert_eq!(output.status.code(), Some(124), "{experiment}");
        let said = String::from_utf8(output.stderr)?;
        assert_eq!(said, "tcpsock: not done after 50ms\n");
    }
    Ok(())
}

#[test]
fn nonsense_is_wrong_usage() -> Result {
    let nonsense: [&[&str]; 5] = [
        &["deadline", "--deadline", "1ms"],
        &["deadline", "--deadline", "soon"],
        &["eagain", "--network", "TCP"],
        &["udp", "--flood", "-1"],
        &["close", "--timeout", "ever"],
    ];
    for arguments in nonsense {
        let output = run(arguments)?;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    Ok(())
}

// all

#[test]
fn text_and_json_have_the_same_keys() -> Result {
    for arguments in &possible()?[1..] {
        let text: BTreeSet<Vec<String>> = text(arguments)?.lines().map(keys).collect();
        let json = records(arguments)?;
        let name = |key: &String| key.trim_end_matches("_error").to_owned();
        let json = json.iter().filter_map(Value::as_object).map(|record| record.keys().map(name).collect());
        assert_eq!(text, json.collect(), "{arguments:?}");
    }
    Ok(())
}

#[test]
fn json_and_verbose_stand_before_the_command_or_after_it() -> Result {
    for arguments in [["--json", "read"], ["read", "--json"]] {
        assert_eq!(parse(&run(&arguments)?)?.len(), 3, "{arguments:?}");
    }
    for arguments in [["-vv", "eagain"], ["eagain", "-vv"]] {
        assert!(String::from_utf8(run(&arguments)?.stderr)?.contains(") = EAGAIN\n"), "{arguments:?}");
    }
    Ok(())
}

#[test]
fn what_has_no_records_is_no_json() -> Result {
    for command in ["demo", "client"] {
        for arguments in [["--json", command], [command, "--json"]] {
            let output = run(&arguments)?;
            let said = String::from_utf8(output.stderr)?;
            assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{arguments:?}: {said}");
        }
    }
    Ok(())
}

#[test]
fn where_a_claim_is_named_the_note_is_quoted() -> Result {
    for arguments in possible()? {
        for record in records(arguments)? {
            assert!(record.get("claim").is_none() || record["note"].is_string(), "{record}");
        }
    }
    Ok(())
}

#[test]
fn a_reader_of_stdout_that_goes_away_is_no_error() -> Result {
    for arguments in possible()? {
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let output = finish(Command::new(PROGRAM).args(arguments).stdout(writer))?;
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()), "{arguments:?}");
    }
    Ok(())
}

#[test]
fn a_full_stdout_is_an_error() -> Result {
    for arguments in possible()? {
        let full = File::options().write(true).open("/dev/full")?;
        let output = finish(Command::new(PROGRAM).args(arguments).stdout(full))?;
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = String::from_utf8(output.stderr)?;
        assert_eq!(said, "tcpsock: write stdout: No space left on device (os error 28)\n", "{arguments:?}");
    }
    Ok(())
}

// How it is run

/// The records of a run that may find that it cannot be shown here.
fn shown(arguments: &[&str]) -> Result<Option<Vec<Value>>> {
    let output = run(&[&["--json"], arguments].concat())?;
    if output.status.code() == Some(77) {
        harness::say(format_args!("skipped: {}", harness::text(&output.stderr)));
        return Ok(None);
    }
    Ok(Some(parse(&output)?))
}

/// Those of the commands that can show something here.
fn possible() -> Result<Vec<&'static [&'static str]>> {
    let is_shown = |arguments: &'static [&'static str]| Ok(shown(arguments)?.map(|_| arguments));
    ALL.iter().filter_map(|&arguments| is_shown(arguments).transpose()).collect()
}

/// The JSON records of a run that must succeed.
fn records(arguments: &[&str]) -> Result<Vec<Value>> {
    parse(&run(&[arguments, &["--json"]].concat())?)
}

fn parse(output: &Output) -> Result<Vec<Value>> {
    assert!(output.status.success(), "{output:?}");
    Ok(std::str::from_utf8(&output.stdout)?.lines().map(serde_json::from_str).collect::<serde_json::Result<_>>()?)
}

fn text(arguments: &[&str]) -> Result<String> {
    let output = run(arguments)?;
    assert!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

fn step<'a>(records: &'a [Value], name: &str) -> Result<&'a Value> {
    Ok(records.iter().find(|record| record["step"] == name).ok_or(format!("no step {name} in {records:?}"))?)
}

/// The names in `name=value name="a value" name=[1,2]`.
fn keys(line: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = line;
    while let Some((name, value)) = rest.split_once('=') {
        names.push(name.trim_start().to_owned());
        let mut values = serde_json::Deserializer::from_str(value).into_iter::<Value>();
        let is_json = value.starts_with(['"', '[', '{']) && values.next().is_some_and(|parsed| parsed.is_ok());
        // A word may begin with a bracket, too: [::]:8085.
        let end = if is_json { values.byte_offset() } else { value.find(' ').unwrap_or(value.len()) };
        rest = &value[end..];
    }
    assert_eq!(rest, "", "{line}");
    names
}

fn run(arguments: &[&str]) -> Result<Output> {
    finish(Command::new(PROGRAM).args(arguments).stdout(Stdio::piped()))
}

fn finish(command: &mut Command) -> Result<Output> {
    Ok(harness::end_of(command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?)?)
}
