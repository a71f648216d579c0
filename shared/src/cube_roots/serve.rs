//! The command `serve`: cube roots for whoever connects, until a signal ends it in order.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: `net.Listen`, `Accept`. Man: listen(2).

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::os::fd::RawFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use socket2::Socket;

use crate::cube_roots::conversation::{Narrator, Step};
use crate::cube_roots::cube_root;
use crate::cube_roots::reactor::{self, Counts, Options, Service};
use crate::harness::ready::{self, NotifyState};
use crate::harness::report::Report;
use crate::linux::endpoint::{self, Listener};
use crate::linux::failure::Failure;
use crate::linux::handover;
use crate::linux::network::Network;
use crate::linux::shutdown::Shutdown;
use crate::linux::stdio::narrate;
use crate::linux::thread::{spawn, spawn_scoped};

/// Options of `serve`, except address and network.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Serve on this descriptor, a listener that whoever started this left open [default: the one that systemd's
    /// LISTEN_FDS and LISTEN_PID tell of, or else a new one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    listen_fd: Option<RawFd>,
    /// Close a connection that completes no request within this time (0: never)
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = crate::harness::duration::limit)]
    idle_timeout: Duration,
    /// The most connections at one time; others wait in the backlog [default: no limit]
    #[arg(long, value_name = "N")]
    max_connections: Option<NonZeroUsize>,
    /// How many connections the kernel holds before they are accepted
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(i32).range(0..))]
    backlog: i32,
    /// Number of event loops, each on its own thread. Worth it only with cores to spare: where client and
    /// server share two cores, a second loop loses
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
    /// After a signal, how long to wait for peers to close their side
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = crate::harness::duration::parse)]
    grace: Duration,
    /// Give up after this time (0: never) [default: 0]
    #[arg(long, value_name = "DURATION", value_parser = crate::harness::duration::limit)]
    timeout: Option<Duration>,
    #[command(flatten)]
    ready: ready::Args,
}

/// What to serve on.
#[derive(Debug)]
pub enum Place {
    /// A listener that was handed over.
    Inherited(Listener),
    /// A socket of our own, there.
    Address(Network, OsString),
}

impl Args {
    /// The listener that was handed over, if any. To be called before any descriptor is opened.
    pub fn inherited(&self) -> anyhow::Result<Option<Socket>> {
        handover::listener(self.listen_fd)
    }
}

/// Listens, prints `listening NETWORK ADDRESS`, and serves until SIGINT, SIGTERM or SIGHUP.
///
/// Unless `allow_uid` is empty, the peers of a Unix socket must run as one of these users.
pub fn run(place: Place, args: &Args, allow_uid: &[u32], verbose: bool, out: &mut Report) -> anyhow::Result<()> {
    endpoint::raise_descriptor_limit()?;
    let reactors = args.max_connections.map_or(usize::MAX, NonZeroUsize::get).min(args.threads.into());
    // Before there is a file to leave behind.
    let shutdown = Shutdown::on_signals(endpoint::remove_socket_files)?;
    shutdown.tell_once(|| ready::notify(NotifyState::Stopping));
    let listener = match place {
        Place::Inherited(listener) => listener,
        Place::Address(network, address) => endpoint::listen(network, &address, args.backlog, reactors)?,
    };
    let (network, mut sockets) = (listener.network, listener.sockets);
    while sockets.len() < reactors {
        let another = sockets[0].try_clone().context("dup the listening socket")?;
        sockets.push(another);
    }
    args.ready.listening(out, network, &listener.address)?;
    ready::notify(NotifyState::Ready);
    let ended = args.timeout.map(|timeout| end_after(timeout, shutdown.clone())).transpose()?;
    let options = |nth: usize| Options {
        records: network.keeps_boundaries(),
        idle_timeout: args.idle_timeout,
        max_connections: share(args.max_connections, reactors, nth),
        grace: args.grace,
        allow_uid,
    };
    let counts = thread::scope(|scope| {
        let start = |(nth, socket)| {
            let (options, shutdown) = (options(nth), &shutdown);
            spawn_scoped(scope, move || one_reactor(socket, verbose, options, shutdown))
        };
        let servers: Vec<_> = sockets.into_iter().enumerate().map(start).collect();
        if servers.iter().any(anyhow::Result::is_err) {
            shutdown.request();
        }
        servers.into_iter().try_fold(Counts::default(), |sum, server| {
            let counts = server?.join().map_err(|_| anyhow!("an event loop panicked"))?;
            let counts = counts.with_context(|| format!("serve {network} {}", listener.address))?;
            anyhow::Ok(sum.and(counts))
        })
    })?;
    narrate(format_args!("served {counts}"));
    match (args.timeout, ended) {
        (Some(timeout), Some(deadline)) if Instant::now() >= deadline => Err(Failure::Deadline(format!(
            "serve {network} {}: --timeout {} passed",
            listener.address,
            humantime::format_duration(timeout)
        ))
        .into()),
        _ => Ok(()),
    }
}

fn one_reactor(listener: Socket, verbose: bool, options: Options<'_>, shutdown: &Shutdown) -> anyhow::Result<Counts> {
    let result = if verbose {
        reactor::run(listener, Narrator::new(|step: &Step<'_>| narrate(format_args!("{step}"))), options, shutdown)
    } else {
        reactor::run(listener, Silent, options, shutdown)
    };
    // One event loop that fails takes the others with it, instead of serving a part of the clients.
    result.inspect_err(|_| shutdown.request())
}

/// Cube roots without a word.
struct Silent;

impl Service for Silent {
    fn respond(&mut self, _peer: usize, request: &[u8], answers: &mut Vec<u8>) {
        cube_root::answer(request, answers);
    }

    fn respond_too_long(&mut self, _peer: usize, answers: &mut Vec<u8>) {
        cube_root::answer_too_long(answers);
    }

    fn respond_unterminated(&mut self, _peer: usize, tail: &[u8], answers: &mut Vec<u8>) {
        cube_root::answer_unterminated(tail, answers);
    }
}

/// The `nth` reactor's part of the limit, so that all together keep it.
fn share(most: Option<NonZeroUsize>, reactors: usize, nth: usize) -> usize {
    most.map_or(usize::MAX, |most| most.get() / reactors + usize::from(nth < most.get() % reactors))
}

fn end_after(timeout: Duration, shutdown: Shutdown) -> anyhow::Result<Instant> {
    let deadline = Instant::now() + timeout;
    spawn(move || {
        thread::sleep(timeout); // A timer: it orders nothing.
        shutdown.request();
    })?;
    Ok(deadline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactors_share_the_limit_exactly() {
        let shares: Vec<_> = (0..3).map(|nth| share(NonZeroUsize::new(7), 3, nth)).collect();
        assert_eq!(shares, [3, 2, 2]);
        assert_eq!(share(None, 3, 0), usize::MAX);
    }
}
