//! UDP: messages with boundaries, from and to anybody, and none of them promised.
//!
//! Note: Socket的基本特征 (SOCK_DGRAM), 基于TCP/IP协议栈的Socket通讯 (UDP, Dial). Go: `net.ListenPacket`, `net.Dial`.
//! Man: udp(7), ip(7), unix(7), connect(2), recv(2).

pub mod loss;

use std::mem::MaybeUninit;

use anyhow::ensure;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;
use socket2::MaybeUninitSlice;

use crate::experiment::{self, noted, record};
use crate::loopback::udp;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub timeout: experiment::Timeout,
    /// How many datagrams are sent to a receiver that does not read
    #[arg(long, value_name = "N", default_value_t = loss::FLOOD)]
    flood: usize,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&noted(there_is_nothing_to_listen_for()?, "UDP can be listened on", 157))?;
    out.pairs(&messages_keep_their_boundaries()?)?;
    out.pairs(&a_short_buffer_cuts_a_message()?)?;
    out.pairs(&noted(one_socket_sends_and_receives()?, "one socket cannot both send and receive", 149))?;
    out.pairs(&noted(connect_names_the_only_peer()?, "every datagram carries its target", 148))?;
    out.pairs(&loss::a_full_buffer_loses_messages(args.flood)?)?;
    out.pairs(&noted(
        loss::in_the_unix_domain_the_sender_waits()?,
        "datagrams may be lost, and come in any order",
        145,
    ))?;
    out.pairs(&noted(nobody_there_is_heard_of_later()?, "Dial sends data", 165))
}

record!("listen", Listen { listen: Outcome });

pub fn there_is_nothing_to_listen_for() -> anyhow::Result<Listen> {
    let bound = udp()?;
    let listen = bound.called("listen", Outcome::succeeds(bound.socket.listen(1)))?;
    Ok(Listen { listen })
}

record!("boundaries", Boundaries { sent_texts: [&'static str; 3], received_texts: Vec<String> });

fn messages_keep_their_boundaries() -> anyhow::Result<Boundaries> {
    let (source, sink) = (udp()?, udp()?);
    let sent = ["one", "two", "three"];
    for message in sent {
        source.send_to(message, &sink.address()?)?;
    }
    let received_texts = sent.iter().map(|_| Ok(sink.receive()?.0)).collect::<anyhow::Result<_>>()?;
    Ok(Boundaries { sent_texts: sent, received_texts })
}

record! { "truncation", Truncation {
    sent: usize,
    received: usize,
    truncated: bool,
    next_text: String,
} }

fn a_short_buffer_cuts_a_message() -> anyhow::Result<Truncation> {
    let (source, sink) = (udp()?, udp()?);
    let sent = source.send_to("0123456789", &sink.address()?)?;
    source.send_to("next", &sink.address()?)?;
    let mut short = [MaybeUninit::uninit(); 4];
    let (received, flags) =
        sink.called("recvmsg", sink.socket.recv_vectored(&mut [MaybeUninitSlice::new(&mut short)]))?;
    Ok(Truncation { sent, received, truncated: flags.is_truncated(), next_text: sink.receive()?.0 })
}

record!("both-directions", BothDirections { received_texts: Vec<String>, answers: Vec<String> });

// ANCHOR: both
pub fn one_socket_sends_and_receives() -> anyhow::Result<BothDirections> {
    let (socket, peer, third) = (udp()?, udp()?, udp()?);
    let (mut received_texts, mut answers) = (Vec::new(), Vec::new());
    for (name, peer) in [("ping", &peer), ("ping of a third", &third)] {
        peer.send_to(name, &socket.address()?)?;
        let (ping, from) = socket.receive()?;
        socket.send_to("pong", &from)?;
        received_texts.push(ping);
        answers.push(peer.receive()?.0);
    }
    Ok(BothDirections { received_texts, answers })
}
// ANCHOR_END: both

record! { "connect", Connect {
    unconnected_send: Outcome,
    sent_without_address: usize,
    received_without_address: usize,
    received_text: String,
    stranger_read: Outcome,
} }

pub fn connect_names_the_only_peer() -> anyhow::Result<Connect> {
    let (socket, peer, stranger) = (udp()?, udp()?, udp()?);
    let unconnected_send = socket.try_write(b"to whom?")?;
    socket.connect(&peer.address()?)?;
    let sent_without_address = socket.write(b"no address")?;
    let (received_by_peer, _) = peer.receive()?;

    stranger.connect(&socket.address()?)?;
    stranger.write(b"from a stranger")?;
    let stranger_read = stranger.try_read()?;
    peer.send_to("from the peer", &socket.address()?)?;
    let (received_text, _) = socket.receive()?;
    Ok(Connect {
        unconnected_send,
        sent_without_address,
        received_without_address: received_by_peer.len(),
        received_text,
        stranger_read,
    })
}

record!("nobody-there", NobodyThere { connect: Outcome, first_send: Outcome, second_send: Outcome });

pub fn nobody_there_is_heard_of_later() -> anyhow::Result<NobodyThere> {
    let (socket, gone) = (udp()?, udp()?);
    let nobody = gone.address()?;
    drop(gone);
    let connect = socket.try_connect(&nobody)?;
    let first_send = socket.try_write(b"anybody there?")?;
    // Only what has been sent is answered.
    ensure!(matches!(first_send, Outcome::Done(_)), "write to nobody, UDP: {first_send}");
    // The host's answer, ICMP's "port unreachable", is on its way.
    socket.wait_for_error()?;
    let second_send = socket.try_write(b"anybody there?")?;
    Ok(NobodyThere { connect, first_send, second_send })
}
