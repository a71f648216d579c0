//! Which sockets this kernel makes: each domain, type and protocol of the note's tables, asked of socket(2).
//!
//! What came of it is asked of the socket itself (`SO_TYPE`, `SO_PROTOCOL`): the kernel chooses what was left
//! open, and sometimes makes something else than was asked for. Raw sockets need `CAP_NET_RAW`, so root and
//! nobody see different tables. A kernel may load a module (sctp) because somebody asked.
//!
//! Note: Socket的基本特征 (the tables of domains, types and protocols). Go: `syscall.Socket`. Man: socket(2),
//! ip(7), raw(7), unix(7).

use std::fmt;

use anyhow::Context;
use nix::errno::Errno::{self, EACCES, EAFNOSUPPORT, EINVAL, ENOPROTOOPT, EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT};
use serde::Serialize;
use shared::harness::report::Report;
use socket2::{Domain, Protocol, Socket, Type};

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    for domain in [Domain::IPV4, Domain::IPV6, Domain::UNIX] {
        for kind in [Type::DGRAM, Type::RAW, Type::SEQPACKET, Type::STREAM] {
            for &protocol in protocols(domain) {
                out.record(&Row::from(Answer::of_the_kernel(domain, kind, protocol)?))?;
            }
        }
    }
    Ok(())
}

const UDP: Option<Protocol> = Some(Protocol::UDP);
const SCTP: Option<Protocol> = Some(Protocol::SCTP);
const TCP: Option<Protocol> = Some(Protocol::TCP);

/// The protocols that the note's table names in a domain's row; `None` is 0, the kernel's choice.
fn protocols(domain: Domain) -> &'static [Option<Protocol>] {
    match domain {
        Domain::IPV4 => &[None, UDP, Some(Protocol::ICMPV4), SCTP, TCP],
        Domain::IPV6 => &[None, UDP, Some(Protocol::ICMPV6), SCTP, TCP],
        _ => &[None],
    }
}

/// A cell of the note's table: its words, and the protocols that they mean.
fn cell(domain: Domain, kind: Type) -> (&'static str, &'static [Option<Protocol>]) {
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
    domain: Domain,
    kind: Type,
    protocol: Option<Protocol>,
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
    fn is_as_noted(&self) -> bool {
        let (_, named) = cell(self.domain, self.kind);
        let mut promised = named.iter().filter(|&&one| self.protocol.is_none() || one == self.protocol);
        match self.result {
            Ok((_, made)) => promised.any(|&one| one == made),
            Err(EPERM | EACCES) if self.kind == Type::RAW => true,
            Err(_) => promised.next().is_none(),
        }
    }
}

// ANCHOR: open
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
// ANCHOR_END: open

fn name(protocol: Option<Protocol>) -> String {
    protocol.map_or_else(|| "0".to_owned(), |protocol| format!("{protocol:?}"))
}

/// The claim that a question puts to the test.
fn claim(domain: Domain, kind: Type, protocol: Option<Protocol>) -> u16 {
    match (domain, kind, protocol) {
        (Domain::UNIX, Type::RAW, _) => 154,
        (Domain::UNIX, ..) | (_, Type::RAW, None) => 151,
        (_, Type::RAW, Some(_)) => 150,
        (_, Type::DGRAM, _) => 153,
        _ => 152,
    }
}

/// An answer in words.
#[derive(Serialize)]
struct Row {
    domain: String,
    r#type: String,
    protocol: String,
    /// What a new socket says of itself.
    opened_as: Option<String>,
    opened_protocol: Option<String>,
    error: Option<String>,
    /// What the note's table says.
    note: &'static str,
    /// The claim that this answer is at odds with.
    claim: Option<u16>,
}

impl From<Answer> for Row {
    fn from(answer: Answer) -> Row {
        let Answer { domain, kind, protocol, result } = answer;
        Row {
            domain: format!("{domain:?}"),
            r#type: format!("{kind:?}"),
            protocol: name(protocol),
            opened_as: result.ok().map(|(made, _)| format!("{made:?}")),
            opened_protocol: result.ok().map(|(_, protocol)| name(protocol)),
            error: result.err().map(|errno| format!("{errno:?}")),
            note: cell(domain, kind).0,
            claim: (!answer.is_as_noted()).then(|| claim(domain, kind, protocol)),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { domain, r#type, protocol, opened_as, opened_protocol, error, note, claim } = self;
        write!(f, "{domain} {type} {protocol}: {}", error.as_deref().unwrap_or("ok"))?;
        if let Some(opened_as) = opened_as {
            write!(f, ", opened as {opened_as}")?;
        }
        if let Some(opened_protocol) = opened_protocol.as_ref().filter(|&protocol| protocol != "0") {
            write!(f, " {opened_protocol}")?;
        }
        write!(f, "; note: {note}")?;
        match claim {
            Some(claim) => write!(f, ", differs: claim={claim}"),
            None => Ok(()),
        }
    }
}
