//! Datagrams in the Unix domain: dialled without a name of one's own, they cannot be answered.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (字面量 "unixgram"). Go: `net.Dial("unixgram", …)`, `net.DialUnix`. Man: unix(7).

use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use serde_json::{Value, json};
use shared::harness::claims::{Check, Seen, seen};
use shared::linux::endpoint;
use shared::linux::network::Network;
use shared::linux::readiness::Name;
use socket2::SockRef;

pub const CHECKS: &[Check] = &[(167, unixgram_can_be_dialled)];

fn dialled() -> anyhow::Result<Value> {
    let sink = bound()?;
    let address = endpoint::shown(&SockRef::from(&sink).local_addr()?);
    let mut socket = endpoint::dial(Network::Unixgram, &address, Duration::from_secs(10))?;
    let sent = ["one", "two"];
    let mut received = Vec::new();
    let mut answer = Ok(0);
    for message in sent {
        socket.write_all(message.as_bytes())?;
        let mut buffer = [0; 16];
        let (count, from) = sink.recv_from(&mut buffer)?;
        received.push(String::from_utf8_lossy(&buffer[..count]).into_owned());
        answer = sink.send_to_addr(b"answer", &from);
    }
    let answer = answer.map_or_else(|error| Name(&error).to_string(), |count| count.to_string());
    Ok(json!({"dial": address, "sent": sent, "received": received, "answer": answer}))
}

/// By a name of the kernel's choice, without a file.
fn bound() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    SockRef::from(&socket).bind(&socket2::SockAddr::unix("")?)?;
    Ok(socket)
}

fn unixgram_can_be_dialled() -> anyhow::Result<Seen> {
    let record = dialled()?;
    Ok(Seen::holds(record["received"] == record["sent"], seen(&record)))
}
