//! `EAGAIN` of accept, read and write, and the partial reads and writes beside it.
//!
//! A non-blocking call never waits: it does what can be done at once, which may be a part of what was asked,
//! or it answers `EAGAIN`. There is no trying again "a little later": epoll says when.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 ("EAGAIN", 部分读, 部分写). Go: hidden in `net`, by its network poller.
//! Man: accept(2), recv(2), send(2), epoll(7).

pub mod call;
pub mod epoll;
mod writing;

use std::io::{Read, Write};
use std::mem::MaybeUninit;

use anyhow::{Context, bail};
use mio::{Interest, Poll, Token};
use nix::libc::MSG_WAITALL;
use shared::harness::report::Report;
use shared::linux::readiness::{self, Ready};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::experiment::{self, noted};
use crate::loopback;
use crate::sleeper::Sleeper;
use call::{Call, Name, Seen};
use epoll::{next_events, watch};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub timeout: experiment::Timeout,
    /// What the sockets speak
    #[arg(long, value_enum, default_value_t = Network::Tcp)]
    network: Network,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Network {
    Tcp,
    Unix,
}

/// Gets each record as soon as it is there.
type Tell<'a> = dyn FnMut(Seen) -> anyhow::Result<()> + 'a;

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    converse(args.network, &mut |seen| out.pairs(&seen))
}

pub fn converse(network: Network, tell: &mut Tell<'_>) -> anyhow::Result<()> {
    let listener = listen(network)?;
    let (client, server) = accept_who_has_come(&listener, tell)?;
    read_what_has_come(&server, &client, tell)?;
    tell(Seen::Call(all_that_was_asked_for(&server, &client)?))?;
    tell(Seen::Sleep(epoll::sleeps_until_told(server.try_clone().context("dup")?, &client)?))?;
    writing::write_what_fits(&server, &client, tell)
}

fn listen(network: Network) -> anyhow::Result<Socket> {
    match network {
        Network::Tcp => loopback::listen(1),
        Network::Unix => {
            let listener = Socket::new(Domain::UNIX, Type::STREAM, None).context("socket AF_UNIX SOCK_STREAM")?;
            // With an empty path the kernel chooses an abstract name, and there is no file.
            listener.bind(&SockAddr::unix("")?).context("bind")?;
            listener.listen(1).context("listen")?;
            Ok(listener)
        }
    }
}

// ANCHOR: accept
fn accept_who_has_come(listener: &Socket, tell: &mut Tell<'_>) -> anyhow::Result<(Socket, Socket)> {
    set_nonblocking(listener)?;
    let accept = || readiness::nonblocking("accept", listener, || listener.accept()).context("accept");
    tell(Seen::Call(Call::accepted(&accept()?, "nobody has connected")))?;

    let mut poll = Poll::new().context("epoll_create")?;
    watch(&poll, listener, Token(0), Interest::READABLE)?;
    let address = loopback::address(listener)?;
    let client = Socket::new(address.domain(), Type::STREAM, None).context("socket")?;
    loopback::connect(&client, &address)?;
    next_events(&mut poll)?;
    let accepted = accept()?;
    tell(Seen::Call(Call::accepted(&accepted, "READABLE: a client has connected")))?;
    tell(Seen::Call(Call::accepted(&accept()?, "nobody else has")))?;
    match accepted {
        Ready::Done((server, _)) => Ok((client, server)),
        Ready::NotYet => bail!("accept: nobody there, although the listener was READABLE"),
    }
}
// ANCHOR_END: accept

fn read_what_has_come(server: &Socket, mut client: &Socket, tell: &mut Tell<'_>) -> anyhow::Result<()> {
    set_nonblocking(server)?;
    let mut buffer = [0; 4096];
    let asked = buffer.len();
    let mut read = || readiness::read(server, &mut buffer).context("read, the server's end");
    tell(Seen::Call(Call::new(Name::Read, asked, &read()?, "nothing has come")))?;

    let mut poll = Poll::new().context("epoll_create")?;
    watch(&poll, server, Token(0), Interest::READABLE)?;
    client.write_all(b"27\t8\t").context("write, the client's end")?;
    next_events(&mut poll)?;
    tell(Seen::Call(Call::new(Name::Read, asked, &read()?, "READABLE: 5 bytes have come")))?;
    tell(Seen::Call(Call::new(Name::Read, asked, &read()?, "they have been read")))?;

    readiness::write(server, b"3\t").context("write, the server's end")?;
    let blocking = Ready::Done(client.read(&mut [0; 4096]).context("read, the client's end")?);
    let call = Call::new(Name::Read, asked, &blocking, "2 bytes have come to a socket that blocks");
    tell(Seen::Call(call.blocking().with(noted("a property of non-blocking sockets", 174))))
}

/// Asked to fill its buffer, a blocking call waits for the rest of it.
fn all_that_was_asked_for(mut server: &Socket, client: &Socket) -> anyhow::Result<Call> {
    server.write_all(b"ab").context("write, the server's end")?;
    let reader = client.try_clone().context("dup")?;
    let recv = Sleeper::in_call(move || {
        reader.recv_with_flags(&mut [MaybeUninit::uninit(); 5], MSG_WAITALL).context("recv MSG_WAITALL")
    })?;
    server.write_all(b"cde").context("write, the server's end")?;
    let result = Ready::Done(recv.awake()?);
    Ok(Call::new(Name::RecvWaitAll, 5, &result, "2 bytes have come, and 3 more a moment later").blocking())
}

fn set_nonblocking(socket: &Socket) -> anyhow::Result<()> {
    socket.set_nonblocking(true).context("fcntl O_NONBLOCK")
}
