//! Listening and dialling, for each of Go's network literals.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: `net.Listen`, `net.DialTimeout`. Man: socket(2), bind(2),
//! listen(2), connect(2), setrlimit(2), tcp(7), SO_PEERCRED in unix(7).

mod address;
mod inherited;
pub mod resolve;
mod service;
mod socket_file;

use std::ffi::OsStr;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use socket2::{Domain, Socket, TcpKeepalive};

use crate::linux::failure::call_failed;
use crate::linux::network::Network;
use crate::linux::readiness::restart;
use address::host_and_port;
pub use address::{LONGEST_PATH, shown, unix_address};
pub use socket_file::{SocketFile, remove_all as remove_socket_files};

/// How long a TCP connection is silent before the kernel probes it, and between probes: Go's 15 s.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What a server listens on: one socket, or several that share a TCP port.
#[derive(Debug)]
pub struct Listener {
    /// Non-blocking, with `TCP_NODELAY` and keep-alive for all that are accepted to inherit.
    pub sockets: Vec<Socket>,
    /// The literal.
    pub network: Network,
    /// Where it listens, the port that the kernel chose included, as it is shown.
    pub address: String,
    /// The file of a Unix socket, removed on drop.
    pub file: Option<SocketFile>,
}

/// socket(2), bind(2) and listen(2). With `sockets` above 1 that number of sockets share a TCP port
/// (`SO_REUSEPORT`); a Unix socket stays one.
pub fn listen(
    network: Network,
    address: &(impl AsRef<OsStr> + ?Sized),
    backlog: i32,
    sockets: usize,
) -> anyhow::Result<Listener> {
    let address = address.as_ref();
    if network.kind() == socket2::Type::DGRAM {
        let error = io::Error::from_raw_os_error(nix::libc::EOPNOTSUPP);
        return Err(error).with_context(|| format!("listen {network}: datagrams have no connections"));
    }
    if network.is_unix() {
        let bound = socket_file::bind_and_listen(network, address, backlog);
        let (socket, file) = bound.with_context(|| format!("bind {}", address.display()))?;
        let address = shown(&socket.local_addr()?);
        return Ok(Listener { sockets: vec![socket], network, address, file });
    }
    let address = host_and_port(address)?;
    let mut wanted = resolve::to_listen(network, address)?;
    let first = match listen_tcp(network, wanted, backlog, Port::Alone) {
        Err(error) if is_without_ipv6(&error) && network == Network::Tcp && wanted.ip().is_unspecified() => {
            wanted = (Ipv4Addr::UNSPECIFIED, wanted.port()).into();
            listen_tcp(network, wanted, backlog, Port::Alone)
        }
        result => result,
    }
    .with_context(|| format!("bind {address}"))?;
    if sockets > 1 {
        first.set_reuse_port(true).context("SO_REUSEPORT")?;
    }
    let bound = first.local_addr()?;
    let local = bound.as_socket().context("an address of TCP")?;
    let mut all = vec![first];
    while all.len() < sockets {
        all.push(listen_tcp(network, local, backlog, Port::Shared).with_context(|| format!("bind {}", shown(&bound)))?);
    }
    Ok(Listener { sockets: all, network, address: shown(&bound), file: None })
}

/// A listener that was handed over, which becomes non-blocking for all who share it. Its file is its maker's.
///
/// It must be of one of `networks`, and listen on `address` if that is said.
pub fn inherit(socket: Socket, networks: &[Network], address: Option<&OsStr>) -> anyhow::Result<Listener> {
    let (network, address) = inherited::name(&socket, networks, address)?;
    if !network.is_unix() {
        tune_tcp(&socket).context("TCP_NODELAY")?;
    }
    socket.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
    Ok(Listener { sockets: vec![socket], network, address, file: None })
}

#[derive(Clone, Copy, PartialEq)]
enum Port {
    /// Fails where anybody else listens on the port.
    Alone,
    /// Joins those who listen with `SO_REUSEPORT` already.
    Shared,
}

/// Go's "tcp" on the wildcard of IPv6 is one socket for both families, its "tcp6" is for IPv6 alone.
fn listen_tcp(network: Network, address: SocketAddr, backlog: i32, port: Port) -> io::Result<Socket> {
    // ANCHOR: listen
    let socket = network.socket(Domain::for_address(address))?;
    if address.is_ipv6() {
        socket.set_only_v6(network != Network::Tcp || !address.ip().is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(port == Port::Shared)?;
    tune_tcp(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
    // ANCHOR_END: listen
}

fn is_without_ipv6(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(nix::libc::EAFNOSUPPORT | nix::libc::EADDRNOTAVAIL))
}

/// `TCP_NODELAY` and keep-alive, as Go sets them on every connection.
fn tune_tcp(socket: &Socket) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE))
}

/// A blocking connection. `timeout` covers the name's resolution and all its addresses.
pub fn dial(network: Network, address: &(impl AsRef<OsStr> + ?Sized), timeout: Duration) -> anyhow::Result<Socket> {
    let (address, deadline) = (address.as_ref(), Instant::now() + timeout);
    if network.is_unix() {
        let socket = dial_unix(network, address, timeout);
        return socket.map_err(|error| dial_failed(network, &address.display().to_string(), error));
    }
    let address = host_and_port(address)?;
    let addresses = resolve::to_dial(network, address, deadline)?;
    let mut last = None;
    // ANCHOR: dial
    for (tried, &peer) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - tried)?;
        match dial_tcp(network, peer, share) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = Some(dial_failed(network, &shown(&peer.into()), error)),
        }
    }
    // ANCHOR_END: dial
    Err(last.with_context(|| format!("dial {network} {address}: no address"))?)
}

fn dial_failed(network: Network, address: &str, error: io::Error) -> anyhow::Error {
    call_failed(&format!("dial {network} {address}"), error)
}

/// A port that nobody listens on may be the very one that the kernel chooses for our end: then TCP's simultaneous open
/// connects the socket to itself. As Go does, we dial again, twice at most.
fn dial_tcp(network: Network, peer: SocketAddr, timeout: Duration) -> io::Result<Socket> {
    let deadline = Instant::now() + timeout;
    for _ in 0..3 {
        let socket = connect_tcp(network, peer, deadline.saturating_duration_since(Instant::now()))?;
        if socket.local_addr()?.as_socket() != Some(peer) {
            return Ok(socket);
        }
        // Gone at once, instead of TIME_WAIT, in which it would hold the port.
        socket.set_linger(Some(Duration::ZERO))?;
    }
    Err(io::Error::from_raw_os_error(nix::libc::ECONNREFUSED))
}

fn connect_tcp(network: Network, peer: SocketAddr, timeout: Duration) -> io::Result<Socket> {
    if timeout.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let socket = network.socket(Domain::for_address(peer))?;
    socket.connect_timeout(&peer.into(), timeout)?;
    tune_tcp(&socket)?;
    Ok(socket)
}

/// connect(2) to a Unix socket waits while the backlog is full, for as long as `SO_SNDTIMEO` says; a
/// non-blocking one would fail with `EAGAIN`, and no event would tell when to try again.
fn dial_unix(network: Network, address: &OsStr, timeout: Duration) -> io::Result<Socket> {
    let socket = network.socket(Domain::UNIX)?;
    socket.set_write_timeout(Some(timeout.max(Duration::from_micros(1))))?;
    restart(|| socket.connect(&unix_address(address)?))?;
    socket.set_write_timeout(None)?;
    Ok(socket)
}

/// Fails unless the server of a Unix `socket` runs as one of `allowed`; if this is empty, anybody will do.
///
/// The kernel tells who called listen(2). Nothing is sent to anybody else, and no answer of theirs is believed.
pub fn check_server(socket: &Socket, allowed: &[u32]) -> anyhow::Result<()> {
    if allowed.is_empty() {
        return Ok(());
    }
    let server = getsockopt(socket, PeerCredentials).context("SO_PEERCRED")?;
    ensure!(allowed.contains(&server.uid()), "the server runs as UID {} (PID {})", server.uid(), server.pid());
    Ok(())
}

/// Raises the soft limit of open descriptors to the hard one, as every Go program does since 1.19.
pub fn raise_descriptor_limit() -> anyhow::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("getrlimit RLIMIT_NOFILE")?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("setrlimit RLIMIT_NOFILE")
}
