//! A UDP socket that has been connected: it needs no address, hears no stranger, and learns that nobody is there.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (Dial). Go: `net.Dial("udp", …)`. Man: connect(2), udp(7).

use anyhow::ensure;
use shared::linux::answer::Outcome;

use crate::experiment::record;
use crate::loopback::udp;

record!(
    "connect",
    Connect {
        unconnected_send: Outcome,
        sent_without_address: usize,
        received_without_address: usize,
        received: String,
        stranger: Outcome,
    }
);

pub fn connect_names_the_only_peer() -> anyhow::Result<Connect> {
    let (socket, peer, stranger) = (udp()?, udp()?, udp()?);
    let unconnected_send = socket.try_write(b"to whom?")?;
    socket.connect(&peer.address()?)?;
    let sent_without_address = socket.write(b"no address")?;
    let (received_by_peer, _) = peer.receive()?;

    stranger.connect(&socket.address()?)?;
    stranger.write(b"from a stranger")?;
    let refused = stranger.try_read()?;
    peer.send_to("from the peer", &socket.address()?)?;
    let (received, _) = socket.receive()?;
    Ok(Connect {
        unconnected_send,
        sent_without_address,
        received_without_address: received_by_peer.len(),
        received,
        stranger: refused,
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
