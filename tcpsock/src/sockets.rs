//! Which sockets this kernel makes: each domain, type and protocol of the note's tables, asked of socket(2).
//!
//! What came of it is asked of the socket itself (`SO_TYPE`, `SO_PROTOCOL`): the kernel chooses what was left
//! open, and sometimes makes something else than was asked for. Raw sockets need `CAP_NET_RAW`, so root and
//! nobody see different tables. A kernel may load a module (sctp) because somebody asked.
//!
//! Note: Socket的基本特征 (the tables of domains, types and protocols). Go: `syscall.Socket`. Man: socket(2),
//! ip(7), raw(7), unix(7).

use std::fmt;

use anyhow::{Context, anyhow};
use nix::errno::Errno::{self, EACCES, EAFNOSUPPORT, EINVAL, ENOPROTOOPT, EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT};
use serde::Serialize;
use shared::harness::claims::{Check, Seen, joined};
use shared::harness::report::Report;
use socket2::{Domain, Protocol, Socket, Type};

#[derive(clap::Args)]
pub struct Args {
    /// Print the records as JSON lines
    #[arg(long)]
    pub json: bool,
}

pub const CHECKS: &[Check] = &[
    (151, the_kernel_chooses_the_protocol),
    (152, what_has_connections_is_tcp_or_sctp),
    (153, datagrams_are_udp),
    (154, a_raw_unix_socket_is_invalid),
];

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    for domain in [Domain::IPV4, Domain::IPV6, Domain::UNIX] {
        for kind in [Type::DGRAM, Type::RAW, Type::SEQPACKET, Type::STREAM] {
            for &protocol in protocols(domain) {
                out.record(&Answer::of_the_kernel(domain, kind, protocol)?)?;
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
#[derive(Serialize)]
struct Answer {
    domain: String,
    r#type: String,
    protocol: String,
    /// `ok`, or the name of the error.
    result: String,
    #[serde(flatten)]
    opened: Option<Opened>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    /// What the note's table says.
    note: &'static str,
    /// The claim that this answer is at odds with.
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<u16>,
}

/// Type and protocol of a new socket.
pub type Made = (Type, Option<Protocol>);

/// What a new socket says of itself.
#[derive(Serialize)]
struct Opened {
    opened_as: String,
    opened_protocol: String,
}

impl Answer {
    fn of_the_kernel(domain: Domain, kind: Type, protocol: Option<Protocol>) -> anyhow::Result<Answer> {
        let answer = open(domain, kind, protocol)?;
        let (note, named) = cell(domain, kind);
        let promised: Vec<_> = named.iter().filter(|&&one| protocol.is_none() || one == protocol).collect();
        let holds = match &answer {
            Ok((_, made)) => promised.contains(&made),
            Err(errno) => promised.is_empty() || (kind == Type::RAW && matches!(errno, Errno::EPERM | Errno::EACCES)),
        };
        Ok(Answer {
            domain: format!("{domain:?}"),
            r#type: format!("{kind:?}"),
            protocol: name(protocol),
            result: answer.as_ref().map_or_else(|errno| format!("{errno:?}"), |_| "ok".to_owned()),
            error: answer.as_ref().err().map(|errno| errno.desc()),
            opened: answer.ok().map(|(made, of)| Opened { opened_as: format!("{made:?}"), opened_protocol: name(of) }),
            note,
            claim: (!holds).then(|| claim(domain, kind, protocol)),
        })
    }

    fn of_each<const N: usize>(asked: [(Domain, Type, Option<Protocol>); N]) -> anyhow::Result<[Answer; N]> {
        let answers = asked.map(|(domain, kind, protocol)| Answer::of_the_kernel(domain, kind, protocol));
        let answers = answers.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        answers.try_into().map_err(|_| anyhow!("an answer for each"))
    }

    fn opened_protocol(&self) -> Option<&str> {
        self.opened.as_ref().map(|opened| &*opened.opened_protocol)
    }

    fn short(&self) -> String {
        let Answer { domain, r#type, protocol, result, opened, .. } = self;
        let came = match opened {
            Some(Opened { opened_as, opened_protocol }) if opened_protocol == "0" => opened_as,
            Some(Opened { opened_protocol, .. }) => opened_protocol,
            None => result,
        };
        format!("{domain} {type} {protocol}: {came}").replace("SOCK_", "").replace("IPPROTO_", "")
    }
}

fn the_kernel_chooses_the_protocol() -> anyhow::Result<Seen> {
    let asked = [Type::STREAM, Type::DGRAM, Type::RAW].map(|kind| (Domain::IPV4, kind, None));
    let answers = Answer::of_each(asked)?;
    let [stream, datagram, raw] = &answers;
    let chosen = stream.opened_protocol() == Some("IPPROTO_TCP") && datagram.opened_protocol() == Some("IPPROTO_UDP");
    Ok(Seen::imprecise(chosen, raw.result == "EPROTONOSUPPORT", evidence(&answers)))
}

/// SCTP is a module that few kernels load; a stream may also be MPTCP.
fn what_has_connections_is_tcp_or_sctp() -> anyhow::Result<Seen> {
    let asked =
        [(Type::SEQPACKET, None), (Type::STREAM, None), (Type::STREAM, SCTP), (Type::STREAM, Some(Protocol::MPTCP))];
    let answers = Answer::of_each(asked.map(|(kind, protocol)| (Domain::IPV4, kind, protocol)))?;
    let [records, stream, sctp, mptcp] = &answers;
    let as_noted = matches!(records.opened_protocol(), None | Some("IPPROTO_SCTP"))
        && matches!(stream.opened_protocol(), Some("IPPROTO_TCP" | "IPPROTO_SCTP"));
    let exception = records.opened.is_none() || sctp.opened.is_none() || mptcp.opened.is_some();
    Ok(Seen::imprecise(as_noted, exception, evidence(&answers)))
}

/// Where the kernel has IPv6, there too.
fn datagrams_are_udp() -> anyhow::Result<Seen> {
    let answers = Answer::of_each([Domain::IPV4, Domain::IPV6].map(|domain| (domain, Type::DGRAM, None)))?;
    let [is_v4, is_v6] = answers.each_ref().map(|answer| answer.opened_protocol() == Some("IPPROTO_UDP"));
    Ok(Seen::holds(is_v4 && (is_v6 || answers[1].result == "EAFNOSUPPORT"), evidence(&answers)))
}

fn a_raw_unix_socket_is_invalid() -> anyhow::Result<Seen> {
    let kinds = [Type::RAW, Type::from(nix::libc::SOCK_RDM)];
    let answers = Answer::of_each(kinds.map(|kind| (Domain::UNIX, kind, None)))?;
    Ok(Seen::refuted(answers[0].opened.is_some(), evidence(&answers)))
}

/// What the kernel answered, without what the note says of it.
fn evidence(answers: &[Answer]) -> String {
    joined(answers.iter().map(Answer::short), "; ")
}

// ANCHOR: open
/// socket(2), and what it made; or why there is no such socket here. Any other error is none about such sockets: too
/// many files are open, say.
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

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}: {}", self.domain, self.r#type, self.protocol, self.result)?;
        if let Some(Opened { opened_as, opened_protocol }) = &self.opened {
            write!(f, ", opened as {opened_as}")?;
            if opened_protocol != "0" {
                write!(f, " {opened_protocol}")?;
            }
        }
        if let Some(error) = self.error {
            write!(f, " ({error})")?;
        }
        write!(f, "; note: {}", self.note)?;
        match self.claim {
            Some(claim) => write!(f, ", differs: claim={claim}"),
            None => Ok(()),
        }
    }
}
