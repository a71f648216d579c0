//! Go's network literals, and the domain, type and protocol of socket(2) behind each.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (the table of literals). Go: `net.Listen`, `net.Dial`. Man: socket(2).

use std::fmt;
use std::io;
use std::str::FromStr;

use socket2::{Domain, Protocol, Socket, Type};

use crate::linux::failure::Failure;

/// A literal as `net.Listen` and `net.Dial` take it: case-sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// IPv4 or IPv6; on a wildcard address one socket for both.
    Tcp,
    /// IPv4 only.
    Tcp4,
    /// IPv6 only.
    Tcp6,
    /// IPv4 or IPv6 datagrams.
    Udp,
    /// IPv4 datagrams.
    Udp4,
    /// IPv6 datagrams.
    Udp6,
    /// `AF_UNIX`, a byte stream.
    Unix,
    /// `AF_UNIX`, datagrams.
    Unixgram,
    /// `AF_UNIX`, a connection that keeps the boundaries of messages.
    Unixpacket,
}

use Network::{Tcp, Tcp4, Tcp6, Udp, Udp4, Udp6, Unix, Unixgram, Unixpacket};

impl Network {
    /// All of them, in the note's order.
    pub const ALL: [Network; 9] = [Tcp, Tcp4, Tcp6, Udp, Udp4, Udp6, Unix, Unixgram, Unixpacket];

    /// The one of `taken` with that literal, or Go's words for why it is none: `listen TCP: unknown network TCP`.
    pub fn one_of(taken: &[Network], literal: &str, call: &str, program: &str) -> Result<Network, Failure> {
        let usage = |why: &str| Failure::Usage(format!("{call} {literal}: {why}"));
        let network: Network = literal.parse().map_err(|unknown: String| usage(&unknown))?;
        if taken.contains(&network) {
            return Ok(network);
        }
        let names = taken.iter().map(|network| network.name()).collect::<Vec<_>>().join(", ");
        let names = names.rsplit_once(", ").map_or_else(|| names.clone(), |(rest, last)| format!("{rest} and {last}"));
        Err(usage(&format!("unexpected address type: {program} takes {names}")))
    }

    /// The literal.
    pub const fn name(self) -> &'static str {
        match self {
            Tcp => "tcp",
            Tcp4 => "tcp4",
            Tcp6 => "tcp6",
            Udp => "udp",
            Udp4 => "udp4",
            Udp6 => "udp6",
            Unix => "unix",
            Unixgram => "unixgram",
            Unixpacket => "unixpacket",
        }
    }

    /// The third argument of socket(2); `None` is 0, the kernel's choice.
    pub const fn protocol(self) -> Option<Protocol> {
        match self {
            Tcp | Tcp4 | Tcp6 => Some(Protocol::TCP),
            Udp | Udp4 | Udp6 => Some(Protocol::UDP),
            Unix | Unixgram | Unixpacket => None,
        }
    }

    /// The second argument of socket(2).
    pub const fn kind(self) -> Type {
        match self {
            Tcp | Tcp4 | Tcp6 | Unix => Type::STREAM,
            Udp | Udp4 | Udp6 | Unixgram => Type::DGRAM,
            Unixpacket => Type::SEQPACKET,
        }
    }

    /// socket(2), in one of the domains that it admits.
    pub fn socket(self, domain: Domain) -> io::Result<Socket> {
        Socket::new(domain, self.kind(), self.protocol())
    }

    /// Whether its addresses are paths (or `@names`) rather than `HOST:PORT`.
    pub const fn is_unix(self) -> bool {
        matches!(self, Unix | Unixgram | Unixpacket)
    }

    /// Whether a read returns one whole message and never a part of the next.
    pub const fn keeps_boundaries(self) -> bool {
        !matches!(self, Tcp | Tcp4 | Tcp6 | Unix)
    }

    /// Whether an address of `domain` may be used with this literal.
    pub fn admits(self, domain: Domain) -> bool {
        match self {
            Tcp | Udp => domain == Domain::IPV4 || domain == Domain::IPV6,
            Tcp4 | Udp4 => domain == Domain::IPV4,
            Tcp6 | Udp6 => domain == Domain::IPV6,
            Unix | Unixgram | Unixpacket => domain == Domain::UNIX,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Network {
    type Err = String;

    /// In Go's words for a literal that is none: `unknown network TCP`.
    fn from_str(literal: &str) -> Result<Network, String> {
        let named = Network::ALL.into_iter().find(|network| network.name() == literal);
        named.ok_or_else(|| format!("unknown network {literal}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_case_sensitive() {
        assert_eq!("tcp".parse(), Ok(Tcp));
        assert_eq!("TCP".parse::<Network>(), Err("unknown network TCP".into()));
        assert_eq!("ip".parse::<Network>(), Err("unknown network ip".into()));
    }

    #[test]
    fn every_literal_reads_back_as_itself() {
        for network in Network::ALL {
            assert_eq!(network.name().parse(), Ok(network));
        }
    }
}
