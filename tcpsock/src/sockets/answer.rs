//! What socket(2) answers to a domain, a type and a protocol, beside the note's cell for them.
//!
//! Note: Socket的基本特征. Go: `syscall.Socket`. Man: socket(2).

use anyhow::Context;
use nix::errno::Errno::{self, EACCES, EAFNOSUPPORT, EINVAL, ENOPROTOOPT, EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT};
use socket2::{Domain, Protocol, Socket, Type};

/// The domains and the types of the note's tables, in its order.
pub const DOMAINS: [Domain; 3] = [Domain::IPV4, Domain::IPV6, Domain::UNIX];
pub const TYPES: [Type; 4] = [Type::DGRAM, Type::RAW, Type::SEQPACKET, Type::STREAM];

const UDP: Option<Protocol> = Some(Protocol::UDP);
const SCTP: Option<Protocol> = Some(Protocol::SCTP);
const TCP: Option<Protocol> = Some(Protocol::TCP);

/// The protocols that the note's table names in a domain's row; `None` is 0, the kernel's choice.
pub fn protocols(domain: Domain) -> &'static [Option<Protocol>] {
    match domain {
        Domain::IPV4 => &[None, UDP, Some(Protocol::ICMPV4), SCTP, TCP],
        Domain::IPV6 => &[None, UDP, Some(Protocol::ICMPV6), SCTP, TCP],
        _ => &[None],
    }
}

/// A cell of the note's table: its words, and the protocols that they mean.
pub fn cell(domain: Domain, kind: Type) -> (&'static str, &'static [Option<Protocol>]) {
    match (domain, kind) {
        (Domain::UNIX, Type::RAW) => ("无效", &[]),
        (Domain::UNIX, _) => ("有效", &[None]),
        (_, Type::DGRAM) => ("UDP", &[UDP]),
        (_, Type::SEQPACKET) => ("SCTP", &[SCTP]),
        (_, Type::STREAM) => ("TCP或SCTP", &[TCP, SCTP]),
        (Domain::IPV4, _) => ("IPv4", protocols(domain)),
        _ => ("IPv6", protocols(domain)),
    }
}

/// One question and its answer.
pub struct Answer {
    pub domain: Domain,
    pub kind: Type,
    pub protocol: Option<Protocol>,
    pub result: Result<Made, Errno>,
}

/// Type and protocol of a new socket.
pub type Made = (Type, Option<Protocol>);

impl Answer {
    pub fn of_the_kernel(domain: Domain, kind: Type, protocol: Option<Protocol>) -> anyhow::Result<Answer> {
        Ok(Answer { domain, kind, protocol, result: open(domain, kind, protocol)? })
    }

    /// `AF_INET DGRAM 0: UDP`
    pub fn short(&self) -> String {
        let came = match self.result {
            Ok((kind, None)) => format!("{kind:?}"),
            Ok((_, made)) => name(made),
            Err(errno) => format!("{errno:?}"),
        };
        let Answer { domain, kind, protocol, .. } = self;
        format!("{domain:?} {kind:?} {}: {came}", name(*protocol)).replace("SOCK_", "").replace("IPPROTO_", "")
    }

    /// The protocol of the socket that was made.
    pub fn opened_protocol(&self) -> Option<Protocol> {
        self.result.ok()?.1
    }

    /// Whether it is what the note's table says.
    pub fn is_as_noted(&self) -> bool {
        let (_, named) = cell(self.domain, self.kind);
        let mut promised = named.iter().filter(|&&one| self.protocol.is_none() || one == self.protocol);
        match self.result {
            Ok((_, made)) => promised.any(|&one| one == made),
            Err(EPERM | EACCES) if self.kind == Type::RAW => true,
            Err(_) => promised.next().is_none(),
        }
    }
}

/// What socket(2) made, or why there is no such socket here. Any other error says nothing about such sockets: too many
/// files are open, say.
pub fn open(domain: Domain, kind: Type, protocol: Option<Protocol>) -> anyhow::Result<Result<Made, Errno>> {
    match Socket::new(domain, kind, protocol) {
        Ok(socket) => Ok(Ok((socket.r#type().context("SO_TYPE")?, socket.protocol().context("SO_PROTOCOL")?))),
        Err(error) => match Errno::from_raw(error.raw_os_error().unwrap_or_default()) {
            answer @ (EPERM | EACCES | EINVAL | EAFNOSUPPORT | ENOPROTOOPT | EPROTONOSUPPORT | ESOCKTNOSUPPORT) => {
                Ok(Err(answer))
            }
            _ => Err(error).with_context(|| format!("socket {domain:?} {kind:?} {}", name(protocol))),
        },
    }
}

pub fn name(protocol: Option<Protocol>) -> String {
    protocol.map_or_else(|| "0".to_owned(), |protocol| format!("{protocol:?}"))
}
