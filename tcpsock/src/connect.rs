//! How a connection comes about: by the kernels of both sides, before anybody accepts it.
//!
//! Note: Socket的基本特征 (SOCK_STREAM), 基于TCP/IP协议栈的Socket通讯 (Accept, Dial). Go: `net.Dialer`,
//! `net.Listener.Accept`. Man: connect(2), listen(2), accept(2), ip_local_port_range in ip(7), tcp(7).

pub mod backlog;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::Context;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;
use shared::linux::failure::Failure;
use socket2::SockAddr;

pub use crate::experiment::Args;
use crate::experiment::{milliseconds, noted, record};
use crate::loopback::{listen, stream};
use crate::sleeper::Sleeper;
use crate::socket_info::dropped;
use backlog::Full;

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&before_and_after_connect()?)?;
    out.pairs(&noted(
        backlog::connections_nobody_has_accepted()?,
        "Accept waits for a client, and then the connection is made",
        164,
    ))?;
    out.pairs(&addresses_of_two_clients()?)?;
    out.pairs(&noted(connect_to_nobody()?, "Dial blocks until the operating system's timeout", 169))
}

record! { "stream", Stream {
    unconnected_write: Outcome,
    unconnected_read: Outcome,
    connected_write: usize,
    received: usize,
} }

pub fn before_and_after_connect() -> anyhow::Result<Stream> {
    let listener = listen(1)?;
    let client = stream()?;
    let (unconnected_write, unconnected_read) = (client.try_write(b"to whom?")?, client.try_read()?);
    client.connect(&listener.address()?)?;
    let connected_write = client.write(b"to you")?;
    let received = listener.accept()?.read(&mut [0; 16])?;
    Ok(Stream { unconnected_write, unconnected_read, connected_write, received })
}

// The addresses of two clients: one that left the choice to the kernel, and one that asked for an address.
record! { "addresses", Clients {
    range: [u16; 2],
    by_kernel: SocketAddr,
    asked_for: SocketAddr,
    bound: SocketAddr,
    seen_by_server: Vec<SocketAddr>,
} }

/// By the kernel, and by bind(2) before connect(2): all of 127.0.0.0/8 is this machine.
pub fn addresses_of_two_clients() -> anyhow::Result<Clients> {
    let asked_for = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 3), 0));
    let range = port_range()?;
    let listener = listen(2)?;
    // ANCHOR: bind
    let [by_kernel, by_client] = [stream()?, stream()?];
    by_client.bind(&asked_for.into())?;
    let bound = ip(&by_client.address()?)?;
    let mut seen_by_server = Vec::new();
    for client in [&by_kernel, &by_client] {
        client.connect(&listener.address()?)?;
        seen_by_server.push(ip(&listener.accept()?.peer()?)?);
    }
    // ANCHOR_END: bind
    Ok(Clients { range, by_kernel: ip(&by_kernel.address()?)?, asked_for, bound, seen_by_server })
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

// A connect(2) that nobody answers.
record! { "nobody", Nobody {
    tcp_user_timeout_ms: u64,
    blocked_connect: Outcome,
    elapsed_ms: u64,
    syn_dropped: usize,
    tcp_syn_retries: Option<u32>,
} }

/// A full backlog drops the SYN, as a host that is not there would. By itself the kernel sends it
/// `tcp_syn_retries` times more, which takes minutes; with TCP_USER_TIMEOUT it gives up as early as it can.
pub fn connect_to_nobody() -> anyhow::Result<Nobody> {
    const USER_TIMEOUT: Duration = Duration::from_millis(1);
    let full = Full::new(0)?;
    let (client, nobody) = (stream()?, full.listener.address()?);
    client.socket.set_tcp_user_timeout(Some(USER_TIMEOUT)).context("TCP_USER_TIMEOUT")?;
    let start = Instant::now();
    let blocked_connect = Sleeper::in_call(move || client.try_connect(&nobody))?.awake()?;
    let retries = fs::read_to_string("/proc/sys/net/ipv4/tcp_syn_retries").ok();
    Ok(Nobody {
        tcp_user_timeout_ms: milliseconds(USER_TIMEOUT),
        blocked_connect,
        elapsed_ms: milliseconds(start.elapsed()),
        syn_dropped: dropped(&full.listener)?,
        tcp_syn_retries: retries.and_then(|retries| retries.trim().parse().ok()),
    })
}
