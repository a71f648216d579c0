//! Raw sockets: who may have them, and what they carry.
//!
//! Who may not, asks for a network namespace in which he may.
//!
//! Note: Socket的基本特征 (SOCK_RAW). Go: `net.ListenIP`, `syscall.Socket`. Man: raw(7), packet(7),
//! capabilities(7), user_namespaces(7).

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use nix::errno::Errno;
use nix::sys::prctl::set_keepcaps;
use nix::unistd::{Gid, Uid, getuid, setresgid, setresuid};
use serde_json::{Value, json};
use shared::harness::claims::{Check, Seen, joined, seen};
use shared::linux::failure::Failure;
use shared::linux::namespace;
use shared::linux::readiness::{Ready, read};
use socket2::{Domain, Protocol, Socket, Type};

use crate::capabilities::{self, CAP_NET_RAW};
use crate::loopback;
use crate::socket_info::dropped;
use crate::sockets;

pub const CHECKS: &[Check] = &[
    (142, there_are_four_types),
    (146, raw_sockets_keep_boundaries_and_lose),
    (150, only_the_superuser_has_raw_sockets),
];

/// For experiments (RFC 3692): the kernel has no use of its own for it.
const PROTOCOL: i32 = 253;

/// Of old, and still taken.
const SOCK_PACKET: i32 = 10;

/// Far more than the smallest receive buffer holds.
const FLOOD: usize = 1000;

/// The length of a header of IPv4 without options, which a raw socket receives too.
const HEADER: usize = 20;

fn raw() -> io::Result<Socket> {
    Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(PROTOCOL)))
}

fn open_raw() -> anyhow::Result<Result<sockets::Made, Errno>> {
    sockets::open(Domain::IPV4, Type::RAW, Some(Protocol::from(PROTOCOL)))
}

fn is_allowed() -> anyhow::Result<bool> {
    Ok(open_raw()?.is_ok())
}

/// Makes raw sockets possible, here or in a network of our own: a capability may be one over another network.
fn may_open_raw_sockets() -> anyhow::Result<()> {
    if !is_allowed()? {
        namespace::own_network()?;
    }
    Ok(())
}

/// The four of the note, and those which Linux has besides.
fn types() -> anyhow::Result<Value> {
    let ask = |domain: Domain, kind: Type, protocol: Option<Protocol>| {
        let made = sockets::open(domain, kind, protocol)?;
        anyhow::Ok(made.map_or_else(|errno| format!("{errno:?}"), |(kind, _)| format!("{kind:?}")))
    };
    Ok(json!({
        "DGRAM": ask(Domain::UNIX, Type::DGRAM, None)?,
        "RAW": ask(Domain::IPV4, Type::RAW, Some(Protocol::from(PROTOCOL)))?,
        "SEQPACKET": ask(Domain::UNIX, Type::SEQPACKET, None)?,
        "STREAM": ask(Domain::UNIX, Type::STREAM, None)?,
        "PACKET": ask(Domain::IPV4, Type::from(SOCK_PACKET), None)?,
        "RDM": ask(Domain::from(nix::libc::AF_TIPC), Type::from(nix::libc::SOCK_RDM), None)?,
        "DCCP": ask(Domain::IPV4, Type::from(nix::libc::SOCK_DCCP), None)?,
    }))
}

fn there_are_four_types() -> anyhow::Result<Seen> {
    may_open_raw_sockets()?;
    let types = types()?;
    let opened = |kind: &str| types[kind].as_str().is_some_and(|came| !came.starts_with('E'));
    let as_noted = ["DGRAM", "RAW", "SEQPACKET", "STREAM"].iter().all(|kind| types[*kind] == format!("SOCK_{kind}"));
    let all = types.as_object().into_iter().flatten();
    let (made, refused): (Vec<_>, Vec<_>) = all.partition(|(kind, _)| opened(kind));
    let made = made.iter().map(|(kind, _)| kind);
    let refused = refused.iter().map(|(kind, error)| format!("{kind} {}", error.as_str().unwrap_or_default()));
    let evidence = format!("made: {}; refused: {}", joined(made, " "), joined(refused, ", "));
    Ok(Seen::imprecise(as_noted, ["PACKET", "RDM", "DCCP"].into_iter().any(opened), evidence))
}

/// In a network of our own if we can have one: nobody else receives these packets.
fn three_packets_and_a_flood() -> anyhow::Result<Value> {
    if namespace::own_network().is_ok() {
        loopback::up()?;
    }
    let unable = |error: io::Error| Failure::CannotShow(format!("a raw socket: {error}"));
    let (source, sink) = (raw().map_err(unable)?, raw().map_err(unable)?);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into();
    sink.set_nonblocking(true)?;
    let sent = ["one", "two", "three"];
    for packet in sent {
        source.send_to(packet.as_bytes(), &address)?;
    }
    let mut received = Vec::new();
    while received.len() < sent.len() {
        received.extend(next(&sink)?);
    }

    sink.set_recv_buffer_size(4096)?;
    for _ in 0..FLOOD {
        source.send_to(b"did you hear that?", &address)?;
    }
    // What is neither received nor dropped by then is still on its way.
    let (mut heard, mut lost) = (0, 0);
    while heard + lost < FLOOD {
        while next(&sink)?.is_some() {
            heard += 1;
        }
        lost = dropped(&sink)?;
    }
    Ok(json!({"sent": sent, "received": received, "flood": FLOOD, "heard": heard, "dropped_by_kernel": lost}))
}

/// What the next packet carries, if one has come.
fn next(sink: &Socket) -> io::Result<Option<String>> {
    let mut buffer = [0; 100];
    let Ready::Done(count) = read(sink, &mut buffer)? else { return Ok(None) };
    let payload = buffer[..count].get(HEADER..).unwrap_or_default();
    Ok(Some(String::from_utf8_lossy(payload).into_owned()))
}

fn raw_sockets_keep_boundaries_and_lose() -> anyhow::Result<Seen> {
    let packets = three_packets_and_a_flood()?;
    let as_noted = packets["received"] == packets["sent"] && packets["dropped_by_kernel"] != 0;
    Ok(Seen::holds(as_noted, seen(&packets)))
}

// ANCHOR: capability
/// One user, with the capability and with none: a process may only give up what it has, so whoever begins
/// without it gets it last, in a user namespace of his own.
fn with_and_without_the_capability() -> anyhow::Result<Value> {
    let has_it = is_allowed()?;
    let mut with = None;
    if has_it {
        if getuid().is_root() {
            become_nobody();
        }
        capabilities::keep_only(CAP_NET_RAW)?;
        with = Some(opened()?);
    }
    let uid = getuid().as_raw();
    capabilities::keep_only(0)?;
    let without = opened()?;
    if !has_it {
        namespace::own_network()?;
        with = Some(opened()?);
    }
    Ok(json!({"uid": uid, "without": without, "with": with}))
}
// ANCHOR_END: capability

/// With the capabilities kept. Where the superuser is the only user there is, he stays it.
fn become_nobody() {
    let (user, group) = (Uid::from_raw(65534), Gid::from_raw(65534));
    let _ = set_keepcaps(true).and_then(|()| setresgid(group, group, group)).and_then(|()| setresuid(user, user, user));
}

fn opened() -> anyhow::Result<Value> {
    let capabilities = format!("{:#x}", capabilities::effective()?);
    let socket = open_raw()?.map_or_else(|errno| format!("{errno:?}"), |_| "ok".to_owned());
    Ok(json!({"CapEff": capabilities, "socket": socket}))
}

fn only_the_superuser_has_raw_sockets() -> anyhow::Result<Seen> {
    let record = with_and_without_the_capability()?;
    let as_noted = record["without"]["socket"] == "EPERM" && record["without"]["CapEff"] == "0x0";
    let told = |record: &Value| {
        let [capabilities, socket] = ["CapEff", "socket"].map(|key| record[key].as_str().unwrap_or_default());
        format!("capabilities {capabilities}: {socket}")
    };
    let (without, with) = (told(&record["without"]), told(&record["with"]));
    let evidence = format!("uid {}, {without}, {with} (CAP_NET_RAW is {CAP_NET_RAW:#x})", record["uid"]);
    Ok(Seen::imprecise(as_noted, record["with"]["socket"] == "ok", evidence))
}
