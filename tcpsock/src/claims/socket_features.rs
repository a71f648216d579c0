//! Note: Socket的基本特征.

use anyhow::Context;
use nix::errno::Errno;
use shared::harness::claims::{Check, Seen, joined, seen};
use shared::linux::answer::Outcome;
use socket2::{Domain, Protocol, Type};

use crate::raw::{self, Attempt, Opened};
use crate::sockets::{Answer, types};
use crate::udp::loss;
use crate::{addresses, close, connect, udp};

pub const CHECKS: &[Check] = &[
    (140, four_or_sixteen_bytes_and_a_port),
    (142, there_are_four_types),
    (146, raw_sockets_keep_boundaries_and_lose),
    (145, datagrams_are_unreliable),
    (214, connections_keep_the_order),
    (215, connections_are_reliable),
    (147, a_stream_needs_a_connection),
    (148, each_datagram_names_its_target),
    (149, only_one_direction),
    (150, only_the_superuser_has_raw_sockets),
    (216, the_transport_is_left_to_us),
    (151, the_kernel_chooses_the_protocol),
    (153, datagrams_are_udp),
    (217, raw_sockets_are_ip),
    (152, what_has_connections_is_tcp_or_sctp),
    (218, three_types_of_unix_sockets),
    (154, a_raw_unix_socket_is_invalid),
    (155, the_number_is_unique),
];

fn four_or_sixteen_bytes_and_a_port() -> anyhow::Result<Seen> {
    let (v4, v6) = (addresses::fields_v4()?, addresses::fields_v6()?);
    let lengths = [v4.address_bytes, v6.address_bytes] == [4, 16];
    let places = [v4.port_at, v6.port_at, v4.address_at, v6.address_at] == [Some(2), Some(2), Some(4), Some(8)];
    Ok(Seen::holds(lengths && places, format!("{}; {}", seen(&v4), seen(&v6))))
}

fn there_are_four_types() -> anyhow::Result<Seen> {
    let types = raw::types()?;
    let of_the_note = [types.dgram, types.raw, types.seqpacket, types.stream];
    let as_noted = of_the_note == [Type::DGRAM, Type::RAW, Type::SEQPACKET, Type::STREAM].map(Opened::As);
    let another = [types.packet, types.rdm, types.dccp].iter().any(|opened| matches!(opened, Opened::As(_)));
    Ok(Seen::imprecise(as_noted, another, seen(&types)))
}

fn raw_sockets_keep_boundaries_and_lose() -> anyhow::Result<Seen> {
    let packets = raw::three_packets_and_a_flood()?;
    Ok(Seen::holds(packets.received_texts == packets.sent_texts && packets.dropped_by_kernel > 0, seen(&packets)))
}

fn datagrams_are_unreliable() -> anyhow::Result<Seen> {
    let udp = loss::a_full_buffer_loses_messages(loss::FLOOD)?;
    let unix = loss::in_the_unix_domain_the_sender_waits()?;
    let reliable = unix.sent > 0 && [unix.received, unix.in_order] == [unix.sent; 2];
    Ok(Seen::imprecise(udp.dropped_by_kernel > 0, reliable, format!("{}; {}", seen(&udp), seen(&unix))))
}

/// Of a thousand messages each, to a reader who begins late.
fn flooded_connections() -> anyhow::Result<[types::Seen; 2]> {
    let flooded = |kind| types::observe(kind)?.with_context(|| format!("no {kind:?}"));
    Ok([flooded(Type::SEQPACKET)?, flooded(Type::STREAM)?])
}

fn connections_keep_the_order() -> anyhow::Result<Seen> {
    let both = flooded_connections()?;
    let in_order = both.iter().all(|seen| seen.in_order && seen.received > 0);
    Ok(Seen::holds(in_order, joined(both.iter().map(seen), "; ")))
}

/// As long as they are connected: a write succeeds when the reader has just gone, and what was written is lost.
fn connections_are_reliable() -> anyhow::Result<Seen> {
    let (both, lost) = (flooded_connections()?, close::the_first_write_to_nobody_succeeds()?);
    let all_came = both.iter().all(|seen| seen.received == seen.sent);
    let exception =
        matches!(lost.first_write, Outcome::Done(1..)) && lost.second_write == Outcome::Failed(Errno::EPIPE);
    let evidence = format!("{}; {}", joined(both.iter().map(seen), "; "), seen(&lost));
    Ok(Seen::imprecise(all_came, exception, evidence))
}

fn a_stream_needs_a_connection() -> anyhow::Result<Seen> {
    let stream = connect::before_and_after_connect()?;
    let unconnected = [stream.unconnected_write, stream.unconnected_read];
    let needs_one = unconnected == [Outcome::Failed(Errno::EPIPE), Outcome::Failed(Errno::ENOTCONN)];
    Ok(Seen::holds(needs_one && stream.received == stream.connected_write, seen(&stream)))
}

fn each_datagram_names_its_target() -> anyhow::Result<Seen> {
    let connect = udp::connect_names_the_only_peer()?;
    let as_noted = connect.unconnected_send == Outcome::Failed(Errno::EDESTADDRREQ);
    let exception = connect.received_without_address == connect.sent_without_address;
    Ok(Seen::imprecise(as_noted, exception, seen(&connect)))
}

fn only_one_direction() -> anyhow::Result<Seen> {
    let both = udp::one_socket_sends_and_receives()?;
    Ok(Seen::refuted(!both.received_texts.is_empty() && !both.answers.is_empty(), seen(&both)))
}

fn only_the_superuser_has_raw_sockets() -> anyhow::Result<Seen> {
    let privilege = raw::with_and_without_the_capability()?;
    let Attempt { capabilities, socket } = privilege.without;
    let as_noted = capabilities == 0 && socket == Opened::Failed(Errno::EPERM);
    let exception = privilege.with.socket == Opened::As(Type::RAW);
    let evidence = format!("{} (CAP_NET_RAW is {})", seen(&privilege), raw::CAP_NET_RAW);
    Ok(Seen::imprecise(as_noted, exception, evidence))
}

/// Behind the header of IP stands what was written, and nothing else.
fn the_transport_is_left_to_us() -> anyhow::Result<Seen> {
    let packets = raw::three_packets_and_a_flood()?;
    Ok(Seen::holds(packets.received_texts == packets.sent_texts, seen(&packets)))
}

/// What the kernel answers to each of these.
fn ask<const N: usize>(questions: [(Domain, Type, Option<Protocol>); N]) -> anyhow::Result<Vec<Answer>> {
    questions.into_iter().map(|(domain, kind, protocol)| Answer::of_the_kernel(domain, kind, protocol)).collect()
}

fn told(answers: &[Answer]) -> String {
    joined(answers.iter().map(Answer::short), "; ")
}

fn the_kernel_chooses_the_protocol() -> anyhow::Result<Seen> {
    let answers = ask([Type::STREAM, Type::DGRAM, Type::RAW].map(|kind| (Domain::IPV4, kind, None)))?;
    let protocols: Vec<_> = answers.iter().map(Answer::opened_protocol).collect();
    let chosen = protocols[..2] == [Some(Protocol::TCP), Some(Protocol::UDP)];
    Ok(Seen::imprecise(chosen, answers[2].result == Err(Errno::EPROTONOSUPPORT), told(&answers)))
}

/// Where the kernel has IPv6, there too.
fn datagrams_are_udp() -> anyhow::Result<Seen> {
    let answers = ask([Domain::IPV4, Domain::IPV6].map(|domain| (domain, Type::DGRAM, None)))?;
    let is_udp = |answer: &Answer| answer.opened_protocol() == Some(Protocol::UDP);
    let no_v6 = answers[1].result == Err(Errno::EAFNOSUPPORT);
    Ok(Seen::holds(is_udp(&answers[0]) && (is_udp(&answers[1]) || no_v6), told(&answers)))
}

/// Each is of one protocol above IP, which the kernel does not choose.
fn raw_sockets_are_ip() -> anyhow::Result<Seen> {
    raw::may_open_raw_sockets()?;
    let icmp = [(Domain::IPV4, Protocol::ICMPV4), (Domain::IPV6, Protocol::ICMPV6)];
    let named = ask(icmp.map(|(domain, protocol)| (domain, Type::RAW, Some(protocol))))?;
    let unnamed = ask(icmp.map(|(domain, _)| (domain, Type::RAW, None)))?;
    let no_v6 = |answer: &Answer| answer.domain == Domain::IPV6 && answer.result == Err(Errno::EAFNOSUPPORT);
    let as_noted = named.iter().all(|raw| raw.opened_protocol() == raw.protocol || no_v6(raw));
    let exception = unnamed.iter().all(|raw| raw.result == Err(Errno::EPROTONOSUPPORT) || no_v6(raw));
    Ok(Seen::imprecise(as_noted, exception, format!("{}; {}", told(&named), told(&unnamed))))
}

/// SCTP, a module that few kernels load, is there only for who names it; a stream may also be MPTCP. Where there is no
/// IPv6, IPv4 alone is asked.
fn what_has_connections_is_tcp_or_sctp() -> anyhow::Result<Seen> {
    let sctp = Some(Protocol::SCTP);
    let asked =
        [(Type::SEQPACKET, None), (Type::STREAM, None), (Type::STREAM, sctp), (Type::STREAM, Some(Protocol::MPTCP))];
    let in_domain = |domain| ask(asked.map(|(kind, protocol)| (domain, kind, protocol)));
    let (v4, v6) = (in_domain(Domain::IPV4)?, in_domain(Domain::IPV6)?);
    let no_v6 = v6[1].result == Err(Errno::EAFNOSUPPORT);
    let is_as_noted = |answers: &[Answer]| {
        let [records, stream] = [&answers[0], &answers[1]].map(Answer::opened_protocol);
        (records.is_none() || records == sctp) && (stream == Some(Protocol::TCP) || stream == sctp)
    };
    let zero_is_tcp = v4[1].opened_protocol() == Some(Protocol::TCP);
    let as_noted = is_as_noted(&v4) && (is_as_noted(&v6) || no_v6);
    Ok(Seen::imprecise(as_noted, zero_is_tcp, format!("{}; {}", told(&v4), told(&v6))))
}

/// A protocol without a number.
fn three_types_of_unix_sockets() -> anyhow::Result<Seen> {
    let kinds = [Type::DGRAM, Type::SEQPACKET, Type::STREAM];
    let answers = ask(kinds.map(|kind| (Domain::UNIX, kind, None)))?;
    let valid = answers.iter().all(|answer| answer.result == Ok((answer.kind, None)));
    Ok(Seen::holds(valid, told(&answers)))
}

fn a_raw_unix_socket_is_invalid() -> anyhow::Result<Seen> {
    let kinds = [Type::RAW, Type::from(nix::libc::SOCK_RDM)];
    let answers = ask(kinds.map(|kind| (Domain::UNIX, kind, None)))?;
    Ok(Seen::refuted(answers[0].result.is_ok(), told(&answers)))
}

fn the_number_is_unique() -> anyhow::Result<Seen> {
    let dup = close::two_numbers_of_one_socket()?;
    let as_noted = dup.fd != dup.peer_fd && dup.cookie != dup.peer_cookie;
    let exception = dup.fd != dup.double_fd && dup.cookie == dup.double_cookie;
    let is_open = dup.received_after_close == dup.sent_after_close;
    Ok(Seen::imprecise(as_noted, exception && is_open, seen(&dup)))
}
