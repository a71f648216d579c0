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

use std::mem::MaybeUninit;

use anyhow::bail;
use mio::Interest;
use nix::libc::MSG_WAITALL;
use shared::harness::report::Report;
use shared::linux::readiness::Ready;
use socket2::{Domain, SockAddr, Type};

use crate::experiment::{self, noted};
use crate::loopback::{self, End};
use crate::sleeper::Sleeper;
use call::{Call, Name, Seen, Tell};
use epoll::Events;

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

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    converse(args.network, &mut |seen| match seen {
        Seen::Call(Call { name: Name::Read, is_blocking: true, .. }) => {
            out.pairs(&noted(seen, "a property of non-blocking sockets", 174))
        }
        Seen::Sleep(_) | Seen::Event(_) => out.pairs(&noted(seen, "try again a little later", 173)),
        Seen::Call(_) | Seen::Total(_) => out.pairs(&seen),
    })
}

pub fn converse(network: Network, tell: &mut Tell<'_>) -> anyhow::Result<()> {
    let listener = listen(network)?;
    let (client, server) = accept_who_has_come(&listener, tell)?;
    read_what_has_come(&server, &client, tell)?;
    tell(Seen::Call(all_that_was_asked_for(&server, &client)?))?;
    tell(Seen::Sleep(epoll::sleeps_until_told(server.duplicate()?, &client)?))?;
    writing::write_what_fits(&server, &client, tell)
}

fn listen(network: Network) -> anyhow::Result<End> {
    match network {
        Network::Tcp => loopback::listen(1),
        Network::Unix => {
            let listener = End::new("the listener", Domain::UNIX, Type::STREAM, None)?;
            // With an empty path the kernel chooses an abstract name, and there is no file.
            listener.bind(&SockAddr::unix("")?)?;
            listener.called("listen", listener.socket.listen(1))?;
            Ok(listener)
        }
    }
}

fn accept_who_has_come(listener: &End, tell: &mut Tell<'_>) -> anyhow::Result<(End, End)> {
    listener.set_nonblocking()?;
    tell(Seen::Call(Call::accepted(&listener.accept_now()?, "nobody has connected")))?;

    let mut events = Events::of(&[(listener, Interest::READABLE)])?;
    let address = listener.address()?;
    let client = End::new("the client's end", address.domain(), Type::STREAM, None)?;
    client.connect(&address)?;
    events.next()?;
    let accepted = listener.accept_now()?;
    tell(Seen::Call(Call::accepted(&accepted, "READABLE: a client has connected")))?;
    tell(Seen::Call(Call::accepted(&listener.accept_now()?, "nobody else has")))?;
    match accepted {
        Ready::Done(server) => Ok((client, server)),
        Ready::NotYet => bail!("accept: nobody there, although the listener was READABLE"),
    }
}

fn read_what_has_come(server: &End, client: &End, tell: &mut Tell<'_>) -> anyhow::Result<()> {
    server.set_nonblocking()?;
    let mut read = |when| {
        let mut buffer = [0; 4096];
        tell(Seen::Call(Call::new(Name::Read, buffer.len(), &server.read_now(&mut buffer)?, when)))
    };
    read("nothing has come")?;

    let mut events = Events::of(&[(server, Interest::READABLE)])?;
    client.write(b"27\t8\t")?;
    events.next()?;
    read("READABLE: 5 bytes have come")?;
    read("they have been read")?;

    server.write(b"3\t")?;
    let mut buffer = [0; 4096];
    let blocking = Ready::Done(client.read(&mut buffer)?);
    let call = Call::new(Name::Read, buffer.len(), &blocking, "2 bytes have come to a socket that blocks");
    tell(Seen::Call(call.blocking()))
}

/// Asked to fill its buffer, a blocking call waits for the rest of it.
fn all_that_was_asked_for(server: &End, client: &End) -> anyhow::Result<Call> {
    server.write(b"ab")?;
    let reader = client.duplicate()?;
    let recv = Sleeper::in_call(move || {
        let received = reader.socket.recv_with_flags(&mut [MaybeUninit::uninit(); 5], MSG_WAITALL);
        reader.called("recv MSG_WAITALL", received)
    })?;
    server.write(b"cde")?;
    let result = Ready::Done(recv.awake()?);
    Ok(Call::new(Name::RecvWaitAll, 5, &result, "2 bytes have come, and 3 more a moment later").blocking())
}
