//! The server on one page, to be read first: one thread, many connections, no call that blocks.
//!
//! epoll is edge-triggered here: it tells of a change once, not for as long as it lasts. So there is one rule:
//!
//! - **Whoever is woken works until EAGAIN.** It reads until EAGAIN and answers at once; where writing answers
//!   EAGAIN, it stops reading, too, until WRITABLE says that there is room for the rest of the answers.
//! - Only EAGAIN makes the kernel owe us an event: a wait after anything else may never end, beside unread bytes.
//!
//! `serve` keeps this rule and can be put on a network: it gives turns, so that a flood starves nobody; it has
//! limits and timeouts; it ends in order. Here a signal does what it does by default: it ends the process.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 ("EAGAIN"). Go: `net.Listen`, `Accept`, a goroutine per `net.Conn`.
//! Man: socket(2), bind(2), listen(2), accept(2), recv(2), send(2), shutdown(2), epoll(7).

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::Duration;

use anyhow::Context;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use nix::libc::{SOCK_CLOEXEC, SOCK_NONBLOCK};
use shared::cube_roots::{cube_root, framing::Inbox};
use shared::harness::{ready, report::Report};
use shared::linux::endpoint::{resolve, shown};
use shared::linux::readiness::{Ready, nonblocking, read, wait, write};
use slab::Slab;
use socket2::{Domain, Protocol, Socket, Type};

use crate::address::Address;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    ready: ready::Args,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let (network, address) = (args.address.network("listen")?, args.address.address());
    let listener = listen(resolve::to_listen(network, address)?).with_context(|| format!("bind {address}"))?;
    args.ready.listening(out, network, &shown(&listener.local_addr()?))?;
    serve(&listener).context("epoll")
}

fn listen(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?; // for all that are accepted to inherit
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket)
}

const LISTENER: Token = Token(usize::MAX);

fn serve(listener: &Socket) -> io::Result<()> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    poll.registry().register(&mut SourceFd(&listener.as_raw_fd()), LISTENER, Interest::READABLE)?;
    let (mut connections, mut buffer) = (Slab::<Connection>::new(), [0; 4096]);
    let mut somebody_waits = false;
    loop {
        wait(&mut poll, &mut events, somebody_waits.then_some(Duration::from_millis(100)))?;
        for event in &events {
            match event.token() {
                LISTENER => somebody_waits = true,
                Token(peer) => match connections[peer].work(&mut buffer) {
                    Ok(Ready::NotYet) => {}
                    // Over, or reset by the peer. Dropping it closes the socket, which ends its registration.
                    Ok(Ready::Done(())) | Err(_) => drop(connections.remove(peer)),
                },
            }
        }
        // Last, because each connection that has ended gave back its descriptor, and its number in the slab.
        somebody_waits = somebody_waits && !accept_until_eagain(listener, &mut connections, poll.registry());
    }
}

/// Whether accept(2) answered EAGAIN. After any other error peers may be left in the backlog, and no event will
/// tell of them: the first one had gone (ECONNABORTED), or no descriptor is free (EMFILE). So accept is tried
/// again after the next event, or after 100 ms. `serve` does better: of the first kind it tries again at once.
fn accept_until_eagain(listener: &Socket, connections: &mut Slab<Connection>, registry: &Registry) -> bool {
    const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);
    loop {
        match nonblocking("accept", listener, || listener.accept4(SOCK_NONBLOCK | SOCK_CLOEXEC)) {
            Ok(Ready::Done((socket, _))) => {
                let entry = connections.vacant_entry();
                // Once, and for both kinds of events. If it fails, only this connection ends.
                if registry.register(&mut SourceFd(&socket.as_raw_fd()), Token(entry.key()), BOTH).is_ok() {
                    entry.insert(Connection { socket, inbox: Some(Inbox::default()), unsent: Vec::new() });
                }
            }
            Ok(Ready::NotYet) => return true,
            Err(_) => return false,
        }
    }
}

struct Connection {
    socket: Socket,
    /// The beginning of a request whose TAB has not come yet. None once a request was too long.
    inbox: Option<Inbox>,
    /// Answers that the kernel has not taken yet: at most those to one buffer of requests.
    unsent: Vec<u8>,
}

impl Connection {
    /// Works until EAGAIN; `Done` is the end of the conversation.
    fn work(&mut self, buffer: &mut [u8]) -> io::Result<Ready<()>> {
        loop {
            // ANCHOR: work
            while !self.unsent.is_empty() {
                match write(&self.socket, &self.unsent)? {
                    Ready::Done(count) => drop(self.unsent.drain(..count)),
                    Ready::NotYet => return Ok(Ready::NotYet), // WRITABLE will come
                }
            }
            if self.inbox.is_none() {
                self.socket.shutdown(Shutdown::Write)?; // does nothing the second time
            }
            match read(&self.socket, buffer)? {
                Ready::NotYet => return Ok(Ready::NotYet), // READABLE will come
                Ready::Done(0) if self.is_answered() => return Ok(Ready::Done(())),
                Ready::Done(count) => self.answer(&buffer[..count]),
            }
            // ANCHOR_END: work
        }
    }

    /// Whether the peer's end came behind a TAB. If not, the tail is told so, and then the end is read again.
    fn is_answered(&mut self) -> bool {
        let tail = self.inbox.as_mut().map(Inbox::take_tail).unwrap_or_default();
        if !tail.is_empty() {
            cube_root::answer_unterminated(&tail, &mut self.unsent);
        }
        tail.is_empty()
    }

    /// After a request that was too long, bytes are read and dropped until the peer's end: closing a socket
    /// with unread bytes would reset the connection, and the peer might lose the last answer.
    fn answer(&mut self, bytes: &[u8]) {
        let Some(inbox) = &mut self.inbox else { return };
        if inbox.feed(bytes, |request| cube_root::answer(request, &mut self.unsent)).is_err() {
            cube_root::answer_too_long(&mut self.unsent);
            self.inbox = None;
        }
    }
}
