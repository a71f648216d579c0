//! UDP: messages with boundaries, from and to anybody, and none of them promised.
//!
//! Note: Socket的基本特征 (SOCK_DGRAM), 基于TCP/IP协议栈的Socket通讯 (UDP). Go: `net.ListenPacket`, `net.Dial`.
//! Man: udp(7), ip(7), unix(7), recv(2).

use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;

use serde_json::{Value, json};
use shared::harness::claims::{Check, Seen, seen};
use shared::harness::report::Report;
use shared::linux::readiness::{Ready, nonblocking};
use socket2::{MaybeUninitSlice, SockRef};

use crate::experiment::{self, returned, wait_for_error};
use crate::loopback;
use crate::socket_info::dropped;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub options: experiment::Options,
    /// So many datagrams are sent to a receiver that does not read
    #[arg(long, value_name = "N", default_value_t = FLOOD)]
    flood: usize,
}

/// Far more than the smallest receive buffer holds.
const FLOOD: usize = 1000;

pub const CHECKS: &[Check] = &[
    (145, datagrams_are_unreliable),
    (148, each_datagram_names_its_target),
    (149, only_one_direction),
    (157, udp_can_be_listened_on),
    (165, dial_sends_data),
];

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&there_is_nothing_to_listen_for()?)?;
    out.pairs(&messages_keep_their_boundaries()?)?;
    out.pairs(&a_short_buffer_cuts_a_message()?)?;
    out.pairs(&one_socket_sends_and_receives()?)?;
    out.pairs(&connect_names_the_only_peer()?)?;
    out.pairs(&a_full_buffer_loses_messages(args.flood)?)?;
    out.pairs(&in_the_unix_domain_the_sender_waits()?)?;
    out.pairs(&nobody_there_is_heard_of_later()?)
}

fn there_is_nothing_to_listen_for() -> anyhow::Result<Value> {
    let socket = bound()?;
    let listen = SockRef::from(&socket).listen(1).map(|()| 0);
    Ok(json!({
        "step": "listen", "listen": returned(&listen)?,
        "note": "UDP can be listened on", "claim": 157,
    }))
}

fn udp_can_be_listened_on() -> anyhow::Result<Seen> {
    let listen = there_is_nothing_to_listen_for()?;
    Ok(Seen::refuted(listen["listen"] == "EOPNOTSUPP", seen(&listen)))
}

fn messages_keep_their_boundaries() -> anyhow::Result<Value> {
    let (source, sink) = (bound()?, bound()?);
    let sent = ["one", "two", "three"];
    for message in sent {
        source.send_to(message.as_bytes(), sink.local_addr()?)?;
    }
    let received = sent.iter().map(|_| Ok(receive(&sink)?.0)).collect::<io::Result<Vec<_>>>()?;
    Ok(json!({"step": "boundaries", "sent": sent, "received": received}))
}

fn a_short_buffer_cuts_a_message() -> anyhow::Result<Value> {
    let (source, sink) = (bound()?, bound()?);
    let sent = source.send_to(b"0123456789", sink.local_addr()?)?;
    source.send_to(b"next", sink.local_addr()?)?;
    let mut short = [MaybeUninit::uninit(); 4];
    let (kept, flags) = SockRef::from(&sink).recv_vectored(&mut [MaybeUninitSlice::new(&mut short)])?;
    let (next, _) = receive(&sink)?;
    Ok(json!({"step": "truncation", "sent": sent, "received": kept, "MSG_TRUNC": flags.is_truncated(), "next": next}))
}

// ANCHOR: both
fn one_socket_sends_and_receives() -> anyhow::Result<Value> {
    let (socket, peer, third) = (bound()?, bound()?, bound()?);
    let (mut received, mut answers) = (Vec::new(), Vec::new());
    for (name, peer) in [("ping", &peer), ("ping of a third", &third)] {
        peer.send_to(name.as_bytes(), socket.local_addr()?)?;
        let (ping, from) = receive(&socket)?;
        socket.send_to(b"pong", from)?;
        received.push(ping);
        answers.push(receive(peer)?.0);
    }
    Ok(json!({
        "step": "both-directions", "received": received, "answers": answers,
        "note": "one socket cannot both send and receive", "claim": 149,
    }))
}
// ANCHOR_END: both

fn only_one_direction() -> anyhow::Result<Seen> {
    let both = one_socket_sends_and_receives()?;
    let [received, answered] = ["received", "answers"].map(|key| both[key].as_array().map_or(0, Vec::len));
    Ok(Seen::refuted(received > 0 && answered > 0, seen(&both)))
}

fn connect_names_the_only_peer() -> anyhow::Result<Value> {
    let (socket, peer, stranger) = (bound()?, bound()?, bound()?);
    let unconnected = socket.send(b"to whom?");
    socket.connect(peer.local_addr()?)?;
    let sent = socket.send(b"no address")?;
    receive(&peer)?;

    stranger.connect(socket.local_addr()?)?;
    stranger.send(b"from a stranger")?;
    let refused = stranger.recv(&mut [0; 100]);
    peer.send_to(b"from the peer", socket.local_addr()?)?;
    let (received, _) = receive(&socket)?;
    Ok(json!({
        "step": "connect", "unconnected_send": returned(&unconnected)?, "sent_without_address": sent,
        "received": received, "stranger": returned(&refused)?,
        "note": "every datagram carries its target", "claim": 148,
    }))
}

fn each_datagram_names_its_target() -> anyhow::Result<Seen> {
    let connect = connect_names_the_only_peer()?;
    let as_noted = connect["unconnected_send"] == "EDESTADDRREQ";
    Ok(Seen::imprecise(as_noted, connect["sent_without_address"] == 10, seen(&connect)))
}

fn a_full_buffer_loses_messages(flood: usize) -> anyhow::Result<Value> {
    let (source, sink) = (bound()?, bound()?);
    let address = sink.local_addr()?;
    sink.set_nonblocking(true)?;
    SockRef::from(&sink).set_recv_buffer_size(4096)?;
    for _ in 0..flood {
        source.send_to(b"did you hear that?", address)?;
    }
    // What is neither received nor dropped by then is still on its way.
    let (mut received, mut lost) = (0, 0);
    while received + lost < flood {
        while let Ready::Done(_) = nonblocking("recv", &sink, || sink.recv(&mut [0; 100]))? {
            received += 1;
        }
        lost = dropped(&sink)?;
    }
    Ok(json!({"step": "loss", "sent": flood, "received": received, "dropped_by_kernel": lost}))
}

fn in_the_unix_domain_the_sender_waits() -> anyhow::Result<Value> {
    let (source, sink) = UnixDatagram::pair()?;
    source.set_nonblocking(true)?;
    sink.set_nonblocking(true)?;
    let mut sent = 0_usize;
    while let Ready::Done(_) = nonblocking("send", &source, || source.send(&sent.to_ne_bytes()))? {
        sent += 1;
    }
    let (mut message, mut received, mut in_order) = ([0; size_of::<usize>()], 0, 0);
    while let Ready::Done(_) = nonblocking("recv", &sink, || sink.recv(&mut message))? {
        in_order += usize::from(usize::from_ne_bytes(message) == received);
        received += 1;
    }
    Ok(json!({
        "step": "unixgram", "sent": sent, "then": "EAGAIN", "received": received, "in_order": in_order,
        "note": "datagrams may be lost, and come in any order", "claim": 145,
    }))
}

fn datagrams_are_unreliable() -> anyhow::Result<Seen> {
    let (udp, unix) = (a_full_buffer_loses_messages(FLOOD)?, in_the_unix_domain_the_sender_waits()?);
    let reliable = unix["received"] == unix["sent"] && unix["in_order"] == unix["sent"];
    let evidence = format!(
        "UDP: sent {}, received {}, dropped by the kernel {}; unixgram: sent {}, then {}, received {}, in order {}",
        udp["sent"],
        udp["received"],
        udp["dropped_by_kernel"],
        unix["sent"],
        unix["then"].as_str().unwrap_or_default(),
        unix["received"],
        unix["in_order"],
    );
    Ok(Seen::imprecise(udp["dropped_by_kernel"] != 0, reliable, evidence))
}

fn nobody_there_is_heard_of_later() -> anyhow::Result<Value> {
    let (socket, gone) = (bound()?, bound()?);
    let nobody = gone.local_addr()?;
    drop(gone);
    let connected = socket.connect(nobody).map(|()| 0);
    let first = socket.send(b"anybody there?");
    // The host's answer, ICMP's "port unreachable", is on its way.
    wait_for_error(&socket)?;
    let second = socket.send(b"anybody there?");
    Ok(json!({
        "step": "nobody-there", "connect": returned(&connected)?,
        "first_send": returned(&first)?, "second_send": returned(&second)?,
        "note": "Dial sends data", "claim": 165,
    }))
}

fn dial_sends_data() -> anyhow::Result<Seen> {
    let (somebody, nobody) = (connect_names_the_only_peer()?, nobody_there_is_heard_of_later()?);
    let as_noted = somebody["sent_without_address"] == 10;
    let connect_sends_none = nobody["connect"] == 0 && nobody["second_send"] == "ECONNREFUSED";
    let evidence = format!(
        "connected, then sent {} bytes; to nobody: connect returned {}, the first send {}, the second {}",
        somebody["sent_without_address"],
        nobody["connect"],
        nobody["first_send"],
        nobody["second_send"].as_str().unwrap_or("some bytes"),
    );
    Ok(Seen::imprecise(as_noted, connect_sends_none, evidence))
}

fn bound() -> anyhow::Result<UdpSocket> {
    loopback::needed()?;
    Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?)
}

fn receive(socket: &UdpSocket) -> io::Result<(String, SocketAddr)> {
    let mut buffer = [0; 100];
    let (count, from) = socket.recv_from(&mut buffer)?;
    Ok((String::from_utf8_lossy(&buffer[..count]).into_owned(), from))
}
