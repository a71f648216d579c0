//! Note: 基于TCP/IP协议栈的Socket通讯.

use std::fs;

use anyhow::Context;
use nix::errno::Errno;
use shared::harness::claims::{Check, Seen, seen};
use shared::linux::answer::{OK, Outcome};
use shared::linux::failure::Failure;

use crate::connect::{self, backlog};
use crate::eagain::call::{self, Call, Name};
use crate::eagain::{self, Network, epoll::Sleep};
use crate::listen::{self, Named, messages};
use crate::udp;

pub const CHECKS: &[Check] = &[
    (157, udp_can_be_listened_on),
    (220, sctp_keeps_messages_apart),
    (161, tcp_serves_both_families),
    (162, the_host_must_be_local),
    (163, names_are_looked_up_in_dns),
    (164, accept_makes_the_connection),
    (165, dial_sends_data),
    (168, the_kernel_chooses_the_clients_address),
    (169, connect_gives_up_by_itself),
    (172, nothing_is_eagain),
    (173, one_tries_again_later),
    (174, partial_reads_are_of_nonblocking_sockets),
    (175, a_write_takes_what_fits),
];

fn udp_can_be_listened_on() -> anyhow::Result<Seen> {
    let listen = udp::there_is_nothing_to_listen_for()?;
    Ok(Seen::refuted(listen.listen == Outcome::Failed(Errno::EOPNOTSUPP), seen(&listen)))
}

fn sctp_keeps_messages_apart() -> anyhow::Result<Seen> {
    let messages = messages::over_tcp_and_sctp()?;
    let Some(sctp) = &messages.sctp_texts else {
        return Err(Failure::CannotShow(format!("this kernel has no SCTP: {}", messages.sctp_socket)).into());
    };
    let joined_by_tcp = messages.tcp_texts == [messages.sent_texts.concat()];
    Ok(Seen::holds(joined_by_tcp && *sctp == messages.sent_texts, seen(&messages)))
}

fn tcp_serves_both_families() -> anyhow::Result<Seen> {
    let (all, one) = (listen::on_every_address()?, listen::on_one_address()?);
    if let Outcome::Failed(errno @ (Errno::EADDRNOTAVAIL | Errno::EAFNOSUPPORT)) = one.connect_v6 {
        return Err(Failure::CannotShow(format!("no IPv6 on loopback: {}", errno.desc())).into());
    }
    let both = [all.connect_v4, all.connect_v6] == [OK; 2];
    let refused = Outcome::Failed(Errno::ECONNREFUSED);
    let exception = [one.connect_v4, one.connect_v6] == [OK, refused];
    Ok(Seen::imprecise(both, exception, format!("{}; {}", seen(&all), seen(&one))))
}

fn the_host_must_be_local() -> anyhow::Result<Seen> {
    const NONLOCAL: &str = "/proc/sys/net/ipv4/ip_nonlocal_bind";
    if fs::read_to_string(NONLOCAL).is_ok_and(|value| value.trim() != "0") {
        return Err(Failure::CannotShow(format!("{NONLOCAL} allows any address")).into());
    }
    let hosts = listen::local_and_remote()?;
    let refused = Outcome::Failed(Errno::EADDRNOTAVAIL);
    Ok(Seen::holds([hosts.listen_local, hosts.listen_remote] == [OK, refused], seen(&hosts)))
}

fn names_are_looked_up_in_dns() -> anyhow::Result<Seen> {
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let lines = hosts.lines().filter_map(|line| line.split('#').next());
    if !lines.flat_map(|line| line.split_whitespace().skip(1)).any(|name| name == "localhost") {
        return Err(Failure::CannotShow("/etc/hosts does not name localhost".to_owned()).into());
    }
    let names = listen::names_without_dns()?;
    let [found, not_found] =
        [matches!(names.localhost, Named::Listens(_)), matches!(names.nosuchhost, Named::Failed(_))];
    Ok(Seen::imprecise(not_found, found, seen(&names)))
}

fn accept_makes_the_connection() -> anyhow::Result<Seen> {
    let backlog = backlog::connections_nobody_has_accepted()?;
    let waits = backlog.accept_with_nobody_there == Outcome::Failed(Errno::EAGAIN);
    let before_accept = i32::try_from(backlog.connected)? == backlog.backlog + 1 && backlog.received == backlog.sent;
    Ok(Seen::imprecise(waits, before_accept && !backlog.next_is_connected, seen(&backlog)))
}

fn dial_sends_data() -> anyhow::Result<Seen> {
    let (somebody, nobody) = (udp::connect_names_the_only_peer()?, udp::nobody_there_is_heard_of_later()?);
    let as_noted = somebody.received_without_address == somebody.sent_without_address;
    let refused = Outcome::Failed(Errno::ECONNREFUSED);
    let connect_sends_none = [nobody.connect, nobody.second_send] == [Outcome::Done(0), refused];
    Ok(Seen::imprecise(as_noted, connect_sends_none, format!("{}; {}", seen(&somebody), seen(&nobody))))
}

fn the_kernel_chooses_the_clients_address() -> anyhow::Result<Seen> {
    let clients = connect::addresses_of_two_clients()?;
    let (by_kernel, bound, [first, last]) = (clients.by_kernel, clients.bound, clients.range);
    let as_seen = clients.seen_by_server == [by_kernel, bound];
    let in_range = (first..=last).contains(&by_kernel.port());
    Ok(Seen::holds(in_range && as_seen && bound.ip() != by_kernel.ip(), seen(&clients)))
}

fn connect_gives_up_by_itself() -> anyhow::Result<Seen> {
    let nobody = connect::connect_to_nobody()?;
    let gave_up = nobody.blocked_connect == Outcome::Failed(Errno::ETIMEDOUT);
    Ok(Seen::holds(gave_up && nobody.syn_dropped > 0, seen(&nobody)))
}

/// A conversation over TCP: its calls, and how its reader waited.
fn conversation() -> anyhow::Result<(Vec<Call>, Option<Sleep>)> {
    let (mut calls, mut waits) = (Vec::new(), None);
    eagain::converse(Network::Tcp, &mut |seen| {
        match seen {
            call::Seen::Call(call) => calls.push(call),
            call::Seen::Sleep(seen) => waits = Some(seen),
            call::Seen::Event(_) | call::Seen::Total(_) => {}
        }
        Ok(())
    })?;
    Ok((calls, waits))
}

/// The calls of that name, in their order.
fn named(calls: &[Call], name: Name) -> Vec<&Call> {
    calls.iter().filter(|call| call.name == name).collect()
}

fn nothing_is_eagain() -> anyhow::Result<Seen> {
    let (calls, _) = conversation()?;
    let [accept, read] = [Name::Accept, Name::Read].map(|name| named(&calls, name)[0]);
    Ok(Seen::holds(accept.is_eagain() && read.is_eagain(), format!("{}; {}", seen(accept), seen(read))))
}

fn one_tries_again_later() -> anyhow::Result<Seen> {
    let waits = conversation()?.1.context("no wait was told")?;
    let never_in_vain = [waits.waits, waits.eagain] == [waits.arrivals; 2];
    Ok(Seen::imprecise(waits.eagain > 0, never_in_vain, seen(&waits)))
}

fn partial_reads_are_of_nonblocking_sockets() -> anyhow::Result<Seen> {
    let (calls, _) = conversation()?;
    let (reads, all) = (named(&calls, Name::Read), named(&calls, Name::RecvWaitAll));
    let partial = |is_blocking| reads.iter().find(|read| read.is_blocking == is_blocking && read.partial == Some(true));
    let exception = partial(true).is_some() && all[0].partial == Some(false);
    let shown = [partial(false), partial(true), all.first()].into_iter().flatten().map(seen).collect::<Vec<_>>();
    Ok(Seen::imprecise(partial(false).is_some(), exception, shown.join("; ")))
}

fn a_write_takes_what_fits() -> anyhow::Result<Seen> {
    let (calls, _) = conversation()?;
    let writes = named(&calls, Name::Write);
    let full = writes.iter().position(|write| write.is_eagain()).context("no write answered EAGAIN")?;
    let last = writes[full.saturating_sub(1)];
    Ok(Seen::holds(last.partial == Some(true), format!("{}; {}", seen(last), seen(writes[full]))))
}
