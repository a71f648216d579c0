//! How a connection comes about: by the kernels of both sides, before anybody accepts it.
//!
//! Note: Socket的基本特征 (SOCK_STREAM), 基于TCP/IP协议栈的Socket通讯 (Accept, Dial). Go: `net.Dialer`,
//! `net.Listener.Accept`. Man: connect(2), listen(2), accept(2), ip_local_port_range in ip(7), tcp(7).

pub mod backlog;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;
use shared::linux::failure::Failure;
use socket2::SockAddr;

use crate::experiment::{self, Noted, milliseconds, noted};
use crate::loopback::{self, connect, listen, stream};
use crate::sleeper::Sleeper;
use crate::socket_info::dropped;
use backlog::Full;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub timeout: experiment::Timeout,
}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&before_and_after_connect()?)?;
    out.pairs(&backlog::connections_nobody_has_accepted()?)?;
    out.pairs(&addresses_of_two_clients()?)?;
    out.pairs(&connect_to_nobody()?)
}

#[derive(Serialize)]
#[serde(tag = "step", rename = "stream")]
pub struct Stream {
    pub unconnected_write: Outcome,
    pub unconnected_read: Outcome,
    pub connected_write: usize,
    pub received: usize,
}

pub fn before_and_after_connect() -> anyhow::Result<Stream> {
    let listener = listen(1)?;
    let mut socket = stream()?;
    let unconnected_write = Outcome::of(socket.write(b"to whom?")).context("write, not connected")?;
    let unconnected_read = Outcome::of(socket.read(&mut [0; 16])).context("read, not connected")?;
    connect(&socket, &loopback::address(&listener)?)?;
    let connected_write = socket.write(b"to you").context("write, the client's end")?;
    let (mut server, _) = listener.accept().context("accept")?;
    let received = server.read(&mut [0; 16]).context("read, the server's end")?;
    Ok(Stream { unconnected_write, unconnected_read, connected_write, received })
}

/// The addresses of two clients: one that left the choice to the kernel, and one that asked for an address.
#[derive(Serialize)]
#[serde(tag = "step", rename = "addresses")]
pub struct Clients {
    pub range: [u16; 2],
    pub by_kernel: SocketAddr,
    asked_for: SocketAddr,
    pub bound: SocketAddr,
    pub seen_by_server: Vec<SocketAddr>,
}

/// By the kernel, and by bind(2) before connect(2): all of 127.0.0.0/8 is this machine.
pub fn addresses_of_two_clients() -> anyhow::Result<Clients> {
    let asked_for = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 3), 0));
    let range = port_range()?;
    let listener = listen(2)?;
    let [by_kernel, by_client] = [stream()?, stream()?];
    by_client.bind(&asked_for.into()).with_context(|| format!("bind {asked_for}"))?;
    let bound = ip(&loopback::address(&by_client)?)?;
    let mut seen_by_server = Vec::new();
    for client in [&by_kernel, &by_client] {
        connect(client, &loopback::address(&listener)?)?;
        seen_by_server.push(ip(&listener.accept().context("accept")?.1)?);
    }
    Ok(Clients { range, by_kernel: ip(&loopback::address(&by_kernel)?)?, asked_for, bound, seen_by_server })
}

/// The ports that the kernel chooses from.
fn port_range() -> anyhow::Result<[u16; 2]> {
    const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
    let range = fs::read_to_string(RANGE).map_err(|error| Failure::CannotShow(format!("read {RANGE}: {error}")))?;
    let ports: Vec<u16> = range.split_whitespace().map(str::parse).collect::<Result<_, _>>().context(RANGE)?;
    ports.try_into().ok().with_context(|| format!("{RANGE}: {range}"))
}

fn ip(address: &SockAddr) -> anyhow::Result<SocketAddr> {
    address.as_socket().context("an address of TCP")
}

/// A connect(2) that nobody answers.
#[derive(Serialize)]
#[serde(tag = "step", rename = "nobody")]
pub struct Nobody {
    tcp_user_timeout_ms: u64,
    pub blocked_connect: Outcome,
    elapsed_ms: u64,
    pub syn_dropped: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_syn_retries: Option<u32>,
    #[serde(flatten)]
    noted: Noted,
}

/// A full backlog drops the SYN, as a host that is not there would. By itself the kernel sends it
/// `tcp_syn_retries` times more, which takes minutes; with TCP_USER_TIMEOUT it gives up as early as it can.
pub fn connect_to_nobody() -> anyhow::Result<Nobody> {
    const USER_TIMEOUT: Duration = Duration::from_millis(1);
    let full = Full::new(0)?;
    let (socket, nobody) = (stream()?, full.address()?);
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT)).context("TCP_USER_TIMEOUT")?;
    let start = Instant::now();
    let connecting =
        Sleeper::in_call(move || Outcome::of(socket.connect(&nobody).map(|()| 0)).context("connect 127.0.0.1"))?;
    let blocked_connect = connecting.awake()?;
    let retries = fs::read_to_string("/proc/sys/net/ipv4/tcp_syn_retries").ok();
    Ok(Nobody {
        tcp_user_timeout_ms: milliseconds(USER_TIMEOUT),
        blocked_connect,
        elapsed_ms: milliseconds(start.elapsed()),
        syn_dropped: dropped(&full.listener)?,
        tcp_syn_retries: retries.and_then(|retries| retries.trim().parse().ok()),
        noted: noted("Dial blocks until the operating system's timeout", 169),
    })
}
