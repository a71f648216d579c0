//! UDP: messages with boundaries, from and to anybody, and none of them promised.
//!
//! Note: Socket的基本特征 (SOCK_DGRAM), 基于TCP/IP协议栈的Socket通讯 (UDP). Go: `net.ListenPacket`, `net.Dial`.
//! Man: udp(7), ip(7), recv(2).

use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use anyhow::Context;
use serde_json::{Value, json};
use shared::readiness::{Ready, nonblocking};
use shared::report::Report;
use socket2::{MaybeUninitSlice, SockRef};

use crate::experiment::{self, returned, wait_for_error};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub options: experiment::Options,
    /// So many datagrams are sent to a receiver that does not read
    #[arg(long, value_name = "N", default_value_t = 1000)]
    flood: usize,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&there_is_nothing_to_listen_for()?)?;
    out.pairs(&messages_keep_their_boundaries()?)?;
    out.pairs(&a_short_buffer_cuts_a_message()?)?;
    out.pairs(&one_socket_sends_and_receives()?)?;
    out.pairs(&connect_names_the_only_peer()?)?;
    out.pairs(&a_full_buffer_loses_messages(args.flood)?)?;
    out.pairs(&nobody_there_is_heard_of_later()?)
}

fn there_is_nothing_to_listen_for() -> anyhow::Result<Value> {
    let socket = bound()?;
    let listen = SockRef::from(&socket).listen(1).map(|()| 0);
    Ok(json!({
        "step": "listen", "listen": returned(&listen),
        "note": "UDP can be listened on", "claim": 157,
    }))
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

fn connect_names_the_only_peer() -> anyhow::Result<Value> {
    let (socket, peer, stranger) = (bound()?, bound()?, bound()?);
    socket.connect(peer.local_addr()?)?;
    let sent = socket.send(b"no address")?;
    receive(&peer)?;

    stranger.connect(socket.local_addr()?)?;
    stranger.send(b"from a stranger")?;
    let refused = stranger.recv(&mut [0; 100]);
    peer.send_to(b"from the peer", socket.local_addr()?)?;
    let (received, _) = receive(&socket)?;
    Ok(json!({
        "step": "connect", "sent_without_address": sent, "received": received, "stranger": returned(&refused),
        "note": "every datagram carries its target", "claim": 148,
    }))
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
    let (mut received, mut dropped) = (0, 0);
    while received + dropped < flood {
        while let Ready::Done(_) = nonblocking("recv", &sink, || sink.recv(&mut [0; 100]))? {
            received += 1;
        }
        dropped = dropped_by_kernel(address)?;
    }
    Ok(json!({"step": "loss", "sent": flood, "received": received, "dropped_by_kernel": dropped}))
}

/// The last column of the socket's line in `/proc/net/udp`.
fn dropped_by_kernel(address: SocketAddr) -> anyhow::Result<usize> {
    let table = fs::read_to_string("/proc/net/udp").context("read /proc/net/udp")?;
    let local = format!("{:08X}:{:04X}", u32::from_ne_bytes(Ipv4Addr::LOCALHOST.octets()), address.port());
    let line = table.lines().find(|line| line.split_whitespace().nth(1) == Some(&local));
    let drops = line.and_then(|line| line.split_whitespace().last()).context("/proc/net/udp: no line of our socket")?;
    drops.parse().with_context(|| format!("/proc/net/udp: drops {drops}"))
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
        "step": "nobody-there", "connect": returned(&connected),
        "first_send": returned(&first), "second_send": returned(&second),
        "note": "Dial sends data", "claim": 165,
    }))
}

fn bound() -> io::Result<UdpSocket> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
}

fn receive(socket: &UdpSocket) -> io::Result<(String, SocketAddr)> {
    let mut buffer = [0; 100];
    let (count, from) = socket.recv_from(&mut buffer)?;
    Ok((String::from_utf8_lossy(&buffer[..count]).into_owned(), from))
}
