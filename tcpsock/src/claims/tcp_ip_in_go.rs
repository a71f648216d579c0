//! Note: 基于TCP/IP协议栈的Socket通讯, where it speaks of Go: docs/go is asked, where there is Go.

use serde::{Deserialize, Serialize};
use shared::harness::claims::go::{record, records};
use shared::harness::claims::{Check, Seen, joined, seen};
use shared::linux::failure::Failure;

pub const CHECKS: &[Check] = &[
    (158, five_names_for_listen),
    (219, one_type_and_one_protocol),
    (200, one_family),
    (160, in_capitals),
    (166, ip_for_dial),
    (170, nanoseconds),
    (171, the_lookup_is_included),
    (199, non_blocking_underneath),
    (176, partial_writes_are_hidden),
    (221, partial_reads_are_kept),
    (177, eight_methods),
];

#[derive(Serialize, Deserialize)]
struct Listened {
    network: String,
    listens: bool,
    can_accept: bool,
    unknown_network: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    error: String,
}

const STREAMS: [&str; 5] = ["tcp", "tcp4", "tcp6", "unix", "unixpacket"];

/// Listen takes another name, for which Accept then fails.
fn five_names_for_listen() -> anyhow::Result<Seen> {
    let (noted, others): (Vec<Listened>, Vec<_>) =
        records()?.into_iter().partition(|listened: &Listened| STREAMS.contains(&&*listened.network));
    if let Some(v6) = noted.iter().find(|listened| listened.network == "tcp6" && !listened.listens) {
        return Err(Failure::CannotShow(v6.error.clone()).into());
    }
    let all_accept = noted.len() == STREAMS.len() && noted.iter().all(|listened| listened.can_accept);
    let exception = others.iter().any(|listened| listened.listens);
    let names = |takes| {
        let names = others.iter().filter(move |listened| listened.listens == takes);
        joined(names.map(|listened| &listened.network), ", ")
    };
    let evidence = format!("also taken: {}; not taken: {}", names(true), names(false));
    let no_other_accepts = !others.iter().any(|listened| listened.can_accept);
    Ok(Seen::imprecise(all_accept && no_other_accepts, exception, evidence))
}

/// What a socket of Go says of itself.
#[derive(Serialize, Deserialize)]
struct Literal {
    network: String,
    domain: String,
    #[serde(rename = "type")]
    kind: String,
    protocol: String,
}

/// Its name, the domains that it may be of, its type and its protocol.
const LITERALS: [(&str, &[&str], &str, &str); 9] = [
    ("tcp", &["AF_INET", "AF_INET6"], "SOCK_STREAM", "TCP"),
    ("tcp4", &["AF_INET"], "SOCK_STREAM", "TCP"),
    ("tcp6", &["AF_INET6"], "SOCK_STREAM", "TCP"),
    ("udp", &["AF_INET", "AF_INET6"], "SOCK_DGRAM", "UDP"),
    ("udp4", &["AF_INET"], "SOCK_DGRAM", "UDP"),
    ("udp6", &["AF_INET6"], "SOCK_DGRAM", "UDP"),
    ("unix", &["AF_UNIX"], "SOCK_STREAM", "0"),
    ("unixgram", &["AF_UNIX"], "SOCK_DGRAM", "0"),
    ("unixpacket", &["AF_UNIX"], "SOCK_SEQPACKET", "0"),
];

fn one_type_and_one_protocol() -> anyhow::Result<Seen> {
    let literals: Vec<Literal> = records()?;
    let as_noted = literals.iter().zip(LITERALS).all(|(told, (network, domains, kind, protocol))| {
        let is_noted = (&*told.network, &*told.kind, &*told.protocol) == (network, kind, protocol);
        is_noted && domains.contains(&&*told.domain)
    });
    let all = literals.len() == LITERALS.len();
    Ok(Seen::holds(all && as_noted, joined(literals.iter().map(seen), "; ")))
}

/// Whether a client of each family gets in.
#[derive(Serialize, Deserialize)]
struct Family {
    network: String,
    #[serde(rename = "from_127.0.0.1")]
    from_4: bool,
    #[serde(rename = "from_::1")]
    from_6: bool,
}

fn one_family() -> anyhow::Result<Seen> {
    let families: Vec<Family> = records()?;
    let serve = families.iter().map(|family| (&*family.network, family.from_4, family.from_6));
    let as_noted = serve.eq([("tcp", true, true), ("tcp4", true, false), ("tcp6", false, true)]);
    Ok(Seen::holds(as_noted, joined(families.iter().map(seen), "; ")))
}

fn in_capitals() -> anyhow::Result<Seen> {
    let all: Vec<Listened> = records()?;
    let (capitals, small) = (named(&all, "TCP")?, named(&all, "tcp")?);
    let evidence = format!("{}; {}", seen(capitals), seen(small));
    Ok(Seen::refuted(small.listens && capitals.unknown_network, evidence))
}

fn named<'a>(all: &'a [Listened], network: &str) -> anyhow::Result<&'a Listened> {
    let found = all.iter().find(|listened| listened.network == network);
    found.ok_or_else(|| anyhow::anyhow!("{network} was not tried"))
}

#[derive(Serialize, Deserialize)]
struct Dialled {
    network: String,
    dials: bool,
    unknown_network: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    error: String,
}

/// With a protocol the name is known, whether or not one may use it.
fn ip_for_dial() -> anyhow::Result<Seen> {
    let all: Vec<Dialled> = records()?;
    let unknown = |network: &str| all.iter().any(|dialled| dialled.network == network && dialled.unknown_network);
    let refused = ["ip", "ip4", "ip6"].into_iter().all(unknown) && !unknown("ip4:icmp");
    Ok(Seen::refuted(refused, joined(all.iter().map(seen), "; ")))
}

#[derive(Serialize, Deserialize)]
struct Units {
    nanosecond: u64,
    microsecond: u64,
    millisecond: u64,
    second: u64,
    duration_is: String,
}

fn nanoseconds() -> anyhow::Result<Seen> {
    let units: Units = record()?;
    let numbers = [units.nanosecond, units.microsecond, units.millisecond, units.second];
    Ok(Seen::holds(numbers == [1, 1000, 1_000_000, 1_000_000_000], seen(&units)))
}

#[derive(Serialize, Deserialize)]
struct DialTimeout {
    limit_ms: u64,
    elapsed_ms: u64,
    queries: u32,
    timeout: bool,
    error: String,
}

/// The name server was asked and never answered: nobody was dialled.
fn the_lookup_is_included() -> anyhow::Result<Seen> {
    let dial: DialTimeout = record()?;
    Ok(Seen::holds(dial.queries > 0 && dial.timeout && dial.elapsed_ms >= dial.limit_ms, seen(&dial)))
}

#[derive(Serialize, Deserialize)]
struct Blocking {
    socket: String,
    o_nonblock: bool,
}

fn non_blocking_underneath() -> anyhow::Result<Seen> {
    let sockets: Vec<Blocking> = records()?;
    let all = !sockets.is_empty() && sockets.iter().all(|socket| socket.o_nonblock);
    Ok(Seen::holds(all, joined(sockets.iter().map(seen), "; ")))
}

/// A Read of Go on a connection that stays open.
#[derive(Serialize, Deserialize)]
struct Partial {
    asked: usize,
    sent: usize,
    read_returned: usize,
}

fn partial_reads_are_kept() -> anyhow::Result<Seen> {
    let read: Partial = record()?;
    Ok(Seen::holds(read.sent < read.asked && read.read_returned == read.sent, seen(&read)))
}

#[derive(Serialize, Deserialize)]
struct Hidden {
    asked: usize,
    the_kernel_took: usize,
    write_returned: usize,
    received: usize,
}

/// One write(2) takes a part; after it, Write takes all.
fn partial_writes_are_hidden() -> anyhow::Result<Seen> {
    let write: Hidden = record()?;
    let is_partial = 0 < write.the_kernel_took && write.the_kernel_took < write.asked;
    let all = write.write_returned == write.asked && write.received == write.the_kernel_took + write.asked;
    Ok(Seen::holds(is_partial && all, seen(&write)))
}

#[derive(Serialize, Deserialize)]
struct Methods {
    methods: Vec<String>,
}

fn eight_methods() -> anyhow::Result<Seen> {
    let conn: Methods = record()?;
    Ok(Seen::holds(conn.methods.len() == 8, seen(&conn)))
}
