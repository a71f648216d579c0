//! Datagrams in the Unix domain: dialled without a name of one's own, they cannot be answered.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (字面量 "unixgram"). Go: `net.Dial("unixgram", …)`, `net.DialUnix`. Man: unix(7).

use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;
use shared::linux::endpoint;
use shared::linux::network::Network;
use socket2::{SockAddr, SockRef};

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&dialled()?)
}

#[derive(Serialize)]
pub struct Dialled {
    dial: String,
    pub sent_texts: [&'static str; 2],
    pub received_texts: Vec<String>,
    answer: Outcome,
}

pub fn dialled() -> anyhow::Result<Dialled> {
    let sink = bound()?;
    let address = endpoint::shown(&SockRef::from(&sink).local_addr().context("getsockname")?);
    let mut socket = endpoint::dial(Network::Unixgram, &address, Duration::from_secs(10))?;
    let sent = ["one", "two"];
    let (mut received, mut buffer) = (Vec::new(), [0; 16]);
    let mut from = None;
    for message in sent {
        socket.write_all(message.as_bytes()).with_context(|| format!("send {address}"))?;
        let (count, sender) = sink.recv_from(&mut buffer).with_context(|| format!("recvfrom {address}"))?;
        received.push(String::from_utf8_lossy(&buffer[..count]).into_owned());
        from = Some(sender);
    }
    let from = from.context("no message was received")?;
    let answer = Outcome::of(sink.send_to_addr(b"answer", &from)).context("sendto a socket without a name")?;
    Ok(Dialled { dial: address, sent_texts: sent, received_texts: received, answer })
}

/// By a name of the kernel's choice, without a file.
fn bound() -> anyhow::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound().context("socket AF_UNIX SOCK_DGRAM")?;
    SockRef::from(&socket).bind(&SockAddr::unix("")?).context("bind")?;
    Ok(socket)
}
