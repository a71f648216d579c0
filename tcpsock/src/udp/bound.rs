//! A UDP socket on a free port of loopback, whose errors say which call failed.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (UDP). Go: `net.UDPConn`. Man: udp(7), recv(2), send(2).

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use anyhow::Context;
use shared::linux::answer::Outcome;

use crate::loopback::interface;

pub struct Bound(pub UdpSocket);

impl Bound {
    pub fn new() -> anyhow::Result<Bound> {
        interface::needed()?;
        Ok(Bound(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("bind 127.0.0.1:0, UDP")?))
    }

    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        self.0.local_addr().context("getsockname, UDP")
    }

    pub fn connect(&self, to: SocketAddr) -> anyhow::Result<()> {
        self.0.connect(to).with_context(|| format!("connect {to}, UDP"))
    }

    pub fn send_to(&self, message: &str, to: SocketAddr) -> anyhow::Result<usize> {
        self.0.send_to(message.as_bytes(), to).with_context(|| format!("sendto {to}, UDP"))
    }

    /// To whom it is connected.
    pub fn send(&self, message: &str) -> anyhow::Result<usize> {
        self.0.send(message.as_bytes()).context("send, UDP")
    }

    /// What sending without an address comes to.
    pub fn try_send(&self, message: &str) -> anyhow::Result<Outcome> {
        Outcome::of(self.0.send(message.as_bytes())).context("send, UDP")
    }

    /// What receiving comes to.
    pub fn try_receive(&self) -> anyhow::Result<Outcome> {
        Outcome::of(self.0.recv(&mut [0; 100])).context("recv, UDP")
    }

    /// A message, and from whom it is.
    pub fn receive(&self) -> anyhow::Result<(String, SocketAddr)> {
        let mut buffer = [0; 100];
        let (count, from) = self.0.recv_from(&mut buffer).context("recvfrom, UDP")?;
        Ok((String::from_utf8_lossy(&buffer[..count]).into_owned(), from))
    }

    pub fn try_connect(&self, to: SocketAddr) -> io::Result<Outcome> {
        Outcome::of(self.0.connect(to).map(|()| 0))
    }
}
