//! Whether a protocol that can be listened on keeps messages apart: TCP does not, SCTP does where the kernel has it.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (面向流的协议). Go: none, package net knows no SCTP. Man: tcp(7), sctp(7).

use anyhow::Context;
use shared::linux::answer::{OK, Outcome};
use socket2::{Domain, Protocol, Type};

use crate::experiment::record;
use crate::loopback::connection_of;
use crate::sockets::{self, types};

// What the reads return of what three writes sent.
record! { "messages", Messages {
    sent_texts: [&'static str; 3],
    tcp_texts: Vec<String>,
    sctp_socket: Outcome,
    sctp_texts: Option<Vec<String>>,
} }

pub fn over_tcp_and_sctp() -> anyhow::Result<Messages> {
    let sctp_socket = match sockets::open(Domain::IPV4, Type::STREAM, Some(Protocol::SCTP))? {
        Ok(_) => OK,
        Err(errno) => Outcome::Failed(errno),
    };
    let sctp_texts = (sctp_socket == OK).then(|| over(Protocol::SCTP)).transpose()?;
    Ok(Messages { sent_texts: types::WRITES, tcp_texts: over(Protocol::TCP)?, sctp_socket, sctp_texts })
}

fn over(protocol: Protocol) -> anyhow::Result<Vec<String>> {
    let (client, server) = connection_of(Some(protocol)).with_context(|| format!("{protocol:?}"))?;
    types::three_writes(&client, &server, 0)
}
