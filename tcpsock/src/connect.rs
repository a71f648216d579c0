//! How a connection comes about: by the kernels of both sides, before anybody accepts it.
//!
//! Note: Socket的基本特征 (SOCK_STREAM), 基于TCP/IP协议栈的Socket通讯 (Accept, Dial). Go: `net.Dialer`,
//! `net.Listener.Accept`. Man: connect(2), listen(2), accept(2), ip_local_port_range in ip(7), tcp(7).

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Value, json};
use shared::harness::claims::{Check, Seen, seen};
use shared::linux::failure::Failure;
use shared::linux::readiness::{Ready, nonblocking};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::asleep::Sleeper;
use crate::experiment::{listen, milliseconds, returned};
use crate::socket_info::{dropped, queued};

pub const CHECKS: &[Check] = &[
    (147, a_stream_needs_a_connection),
    (164, accept_makes_the_connection),
    (168, the_kernel_chooses_the_clients_address),
    (169, connect_gives_up_by_itself),
];

fn stream() -> io::Result<Socket> {
    Socket::new(Domain::IPV4, Type::STREAM, None)
}

fn before_and_after_connect() -> anyhow::Result<Value> {
    let listener = listen(1)?;
    let mut socket = stream()?;
    let (written, read) = (socket.write(b"to whom?"), socket.read(&mut [0; 16]));
    socket.connect(&listener.local_addr()?)?;
    let connected = socket.write(b"to you")?;
    let received = listener.accept()?.0.read(&mut [0; 16])?;
    Ok(json!({
        "unconnected_write": returned(&written)?, "unconnected_read": returned(&read)?,
        "connected_write": connected, "received": received,
    }))
}

fn a_stream_needs_a_connection() -> anyhow::Result<Seen> {
    let record = before_and_after_connect()?;
    let needs_one = record["unconnected_write"] == "EPIPE" && record["unconnected_read"] == "ENOTCONN";
    Ok(Seen::holds(needs_one && record["received"] == record["connected_write"], seen(&record)))
}

/// A listener whose backlog is full: one connection more than it says waits in it.
struct Full {
    listener: Socket,
    clients: Vec<Socket>,
}

impl Full {
    // ANCHOR: full
    fn new(backlog: i32) -> anyhow::Result<Full> {
        let mut full = Full { listener: listen(backlog)?, clients: Vec::new() };
        full.listener.set_nonblocking(true)?;
        for nth in 1..=u32::try_from(backlog)? + 1 {
            let client = stream()?;
            client.connect(&full.listener.local_addr()?)?;
            full.clients.push(client);
            // Connected for the client, it may still be on its way to the queue.
            while queued(&full.listener)? < nth {
                thread::yield_now();
            }
        }
        Ok(full)
    }
    // ANCHOR_END: full

    fn address(&self) -> io::Result<SockAddr> {
        self.listener.local_addr()
    }

    fn accept(&self) -> io::Result<Option<Socket>> {
        let accepted = nonblocking("accept", &self.listener, || self.listener.accept())?;
        Ok(if let Ready::Done((socket, _)) = accepted { Some(socket) } else { None })
    }
}

/// Nobody accepts; the client that comes when the queue is full is not heard.
fn connections_nobody_has_accepted() -> anyhow::Result<Value> {
    const BACKLOG: i32 = 2;
    let mut full = Full::new(BACKLOG)?;
    let mut sent = 0;
    for client in &mut full.clients {
        sent += client.write(b"early")?;
    }
    let next = stream()?;
    next.set_nonblocking(true)?;
    let connect = next.connect(&full.address()?).map(|()| 0);
    while dropped(&full.listener)? == 0 && !is_writable(&next)? {
        thread::yield_now();
    }
    let is_connected = match next.peer_addr() {
        Err(error) if error.kind() == ErrorKind::NotConnected => false,
        address => address.map(|_| true)?,
    };

    let (mut accepted, mut received) = (0, 0);
    while let Some(mut socket) = full.accept()? {
        received += socket.read(&mut [0; 16])?;
        accepted += 1;
        if accepted == full.clients.len() {
            break;
        }
    }
    Ok(json!({
        "backlog": BACKLOG, "connected": full.clients.len(), "sent": sent, "next_connect": returned(&connect)?,
        "next_is_connected": is_connected, "accepted_then": accepted, "received": received,
    }))
}

fn is_writable(socket: &impl AsFd) -> io::Result<bool> {
    Ok(poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)], PollTimeout::ZERO)? > 0)
}

fn accept_makes_the_connection() -> anyhow::Result<Seen> {
    let empty = listen(1)?;
    empty.set_nonblocking(true)?;
    let nobody = returned(&empty.accept().map(|_| 0))?;
    let record = connections_nobody_has_accepted()?;
    let before_accept = record["connected"] == 3 && record["received"] == record["sent"];
    let evidence = format!("accept_with_nobody_there={} {}", nobody.as_str().unwrap_or("done"), seen(&record));
    Ok(Seen::imprecise(nobody == "EAGAIN", before_accept && record["next_is_connected"] == false, evidence))
}

/// By the kernel, and by bind(2) before connect(2): all of 127.0.0.0/8 is this machine.
fn addresses_of_two_clients() -> anyhow::Result<Value> {
    const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
    const CHOSEN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
    let range = fs::read_to_string(RANGE).map_err(|error| Failure::CannotShow(format!("{RANGE}: {error}")))?;
    let range: Vec<u16> = range.split_whitespace().map(str::parse).collect::<Result<_, _>>().context(RANGE)?;
    let listener = listen(2)?;
    let [by_kernel, by_client] = [stream()?, stream()?];
    by_client.bind(&SocketAddr::from((CHOSEN, 0)).into())?;
    let bound = by_client.local_addr()?;
    let mut seen = Vec::new();
    for client in [&by_kernel, &by_client] {
        client.connect(&listener.local_addr()?)?;
        seen.push(address(&listener.accept()?.1)?);
    }
    Ok(json!({
        "range": range, "by_kernel": address(&by_kernel.local_addr()?)?, "asked_for": format!("{CHOSEN}:0"),
        "bound": address(&bound)?, "seen_by_server": seen,
    }))
}

fn address(address: &SockAddr) -> anyhow::Result<SocketAddr> {
    address.as_socket().context("an address of TCP")
}

fn the_kernel_chooses_the_clients_address() -> anyhow::Result<Seen> {
    let record = addresses_of_two_clients()?;
    let parsed = |key: &str| record[key].as_str().unwrap_or_default().parse::<SocketAddr>();
    let (by_kernel, bound) = (parsed("by_kernel")?, parsed("bound")?);
    let in_range = record["range"][0].as_u64() <= Some(by_kernel.port().into())
        && record["range"][1].as_u64() >= Some(by_kernel.port().into());
    let as_seen = record["seen_by_server"] == json!([by_kernel, bound]);
    Ok(Seen::holds(in_range && as_seen && bound.ip() != by_kernel.ip(), seen(&record)))
}

/// A full backlog drops the SYN, as a host that is not there would. By itself the kernel sends it
/// `tcp_syn_retries` times more, which takes minutes; with TCP_USER_TIMEOUT it gives up as early as it can.
fn connect_to_nobody() -> anyhow::Result<Value> {
    let full = Full::new(0)?;
    let (socket, nobody) = (stream()?, full.address()?);
    socket.set_tcp_user_timeout(Some(Duration::from_millis(1)))?;
    let start = Instant::now();
    let connecting = Sleeper::in_call(move || socket.connect(&nobody).map(|()| 0))?;
    let connect = connecting.awake()?;
    let retries = fs::read_to_string("/proc/sys/net/ipv4/tcp_syn_retries").ok();
    Ok(json!({
        "blocked_connect": returned(&connect)?, "elapsed_ms": milliseconds(start.elapsed()),
        "syn_dropped": dropped(&full.listener)?, "tcp_syn_retries": retries.as_deref().map(str::trim),
    }))
}

fn connect_gives_up_by_itself() -> anyhow::Result<Seen> {
    let record = connect_to_nobody()?;
    let evidence = format!("TCP_USER_TIMEOUT=1ms {}", seen(&record));
    Ok(Seen::holds(record["blocked_connect"] == "ETIMEDOUT" && record["syn_dropped"] != 0, evidence))
}
