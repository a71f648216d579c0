//! A UDP socket that has been connected: it needs no address, hears no stranger, and learns that nobody is there.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (Dial). Go: `net.Dial("udp", …)`. Man: connect(2), udp(7).

use anyhow::{Context, ensure};
use serde::Serialize;
use shared::linux::answer::Outcome;

use super::bound::Bound;
use crate::experiment::{Noted, noted};
use crate::loopback::wait_for_error;

#[derive(Serialize)]
#[serde(tag = "step", rename = "connect")]
pub struct Connect {
    pub unconnected_send: Outcome,
    pub sent_without_address: usize,
    pub received_without_address: usize,
    received: String,
    stranger: Outcome,
    #[serde(flatten)]
    noted: Noted,
}

pub fn connect_names_the_only_peer() -> anyhow::Result<Connect> {
    let (socket, peer, stranger) = (Bound::new()?, Bound::new()?, Bound::new()?);
    let unconnected_send = socket.try_send("to whom?")?;
    socket.connect(peer.address()?)?;
    let sent_without_address = socket.send("no address")?;
    let (received_by_peer, _) = peer.receive()?;

    stranger.connect(socket.address()?)?;
    stranger.send("from a stranger")?;
    let refused = stranger.try_receive()?;
    peer.send_to("from the peer", socket.address()?)?;
    let (received, _) = socket.receive()?;
    Ok(Connect {
        unconnected_send,
        sent_without_address,
        received_without_address: received_by_peer.len(),
        received,
        stranger: refused,
        noted: noted("every datagram carries its target", 148),
    })
}

#[derive(Serialize)]
#[serde(tag = "step", rename = "nobody-there")]
pub struct NobodyThere {
    pub connect: Outcome,
    pub first_send: Outcome,
    pub second_send: Outcome,
    #[serde(flatten)]
    noted: Noted,
}

pub fn nobody_there_is_heard_of_later() -> anyhow::Result<NobodyThere> {
    let (socket, gone) = (Bound::new()?, Bound::new()?);
    let nobody = gone.address()?;
    drop(gone);
    let connect = socket.try_connect(nobody).with_context(|| format!("connect {nobody}, UDP"))?;
    let first_send = socket.try_send("anybody there?")?;
    // Only what has been sent is answered.
    ensure!(matches!(first_send, Outcome::Done(_)), "send to {nobody}, UDP: {first_send}");
    // The host's answer, ICMP's "port unreachable", is on its way.
    wait_for_error(&socket.0)?;
    let second_send = socket.try_send("anybody there?")?;
    Ok(NobodyThere { connect, first_send, second_send, noted: noted("Dial sends data", 165) })
}
