//! `EAGAIN` of accept, read and write, and the partial reads and writes beside it.
//!
//! A non-blocking call never waits: it does what can be done at once, which may be a part of what was asked,
//! or it answers `EAGAIN`. There is no trying again "a little later": epoll says when.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 ("EAGAIN", 部分读, 部分写). Go: hidden in `net`, by its network poller.
//! Man: accept(2), recv(2), send(2), epoll(7).

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;

use anyhow::bail;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use serde_json::{Value, json};
use shared::readiness::{self, Ready, Returned};
use shared::report::{Failure, Report};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::experiment;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub options: experiment::Options,
    /// What the sockets speak
    #[arg(long, value_enum, default_value_t = Network::Tcp)]
    network: Network,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Network {
    Tcp,
    Unix,
}

/// So much the kernel is asked to hold on each side.
const BUFFER: usize = 64 << 10;
/// So much is written: far more than fits.
const MESSAGE: usize = 1 << 20;

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let listener = listen(args.network)?;
    let (client, server) = accept_who_has_come(&listener, out)?;
    read_what_has_come(&server, &client, out)?;
    write_what_fits(&server, &client, out)
}

fn listen(network: Network) -> io::Result<Socket> {
    match network {
        Network::Tcp => experiment::listen(1),
        Network::Unix => {
            let listener = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            // With an empty path the kernel chooses an abstract name, and there is no file.
            listener.bind(&SockAddr::unix("")?)?;
            listener.listen(1)?;
            Ok(listener)
        }
    }
}

fn accept_who_has_come(listener: &Socket, out: &mut Report) -> anyhow::Result<(Socket, Socket)> {
    listener.set_nonblocking(true)?;
    let accept = || readiness::nonblocking("accept", listener, || listener.accept());
    let called = |result: &Ready<_>, when: &str| json!({"call": "accept", "returned": shown(result), "when": when});
    out.pairs(&called(&accept()?, "nobody has connected"))?;

    let mut poll = Poll::new()?;
    watch(&poll, listener, Token(0), Interest::READABLE)?;
    let address = listener.local_addr()?;
    let client = Socket::new(address.domain(), Type::STREAM, None)?;
    client.connect(&address)?;
    next_events(&mut poll)?;
    let accepted = accept()?;
    out.pairs(&called(&accepted, "READABLE: a client has connected"))?;
    out.pairs(&called(&accept()?, "nobody else has"))?;
    match accepted {
        Ready::Done((server, _)) => Ok((client, server)),
        Ready::NotYet => bail!("accept: EAGAIN from a listener that was READABLE"),
    }
}

fn read_what_has_come(server: &Socket, mut client: &Socket, out: &mut Report) -> anyhow::Result<()> {
    server.set_nonblocking(true)?;
    let mut buffer = [0; 4096];
    let asked = buffer.len();
    let mut read = || readiness::read(server, &mut buffer);
    out.pairs(&called("read", asked, &read()?, "nothing has come"))?;

    let mut poll = Poll::new()?;
    watch(&poll, server, Token(0), Interest::READABLE)?;
    client.write_all(b"27\t8\t")?;
    next_events(&mut poll)?;
    out.pairs(&called("read", asked, &read()?, "READABLE: 5 bytes have come"))?;
    out.pairs(&called("read", asked, &read()?, "they have been read"))?;

    readiness::write(server, b"3\t")?;
    let blocking = Ready::Done(client.read(&mut [0; 4096])?);
    let mut record = called("read", asked, &blocking, "2 bytes have come to a socket that blocks");
    record["note"] = "a property of non-blocking sockets".into();
    record["claim"] = 174.into();
    out.pairs(&record)
}

/// Each end works until `EAGAIN` before the next wait: then whatever moves next makes an edge.
fn write_what_fits(writer: &Socket, reader: &Socket, out: &mut Report) -> anyhow::Result<()> {
    const READER: Token = Token(0);
    const WRITER: Token = Token(1);
    reader.set_nonblocking(true)?;
    reader.set_recv_buffer_size(BUFFER)?;
    writer.set_send_buffer_size(BUFFER)?;
    let message: Vec<u8> = (0..MESSAGE).map(|n| n.to_le_bytes()[n % 3]).collect();
    let mut sent = write_until_eagain(writer, &message, "nobody reads", |call| out.pairs(&call))?;
    if sent == message.len() {
        return Err(Failure::CannotShow(format!("the kernel buffers {MESSAGE} bytes")).into());
    }

    let mut poll = Poll::new()?;
    watch(&poll, reader, READER, Interest::READABLE)?;
    watch(&poll, writer, WRITER, Interest::WRITABLE)?;
    let (mut received, mut writable) = (Vec::with_capacity(MESSAGE), 0);
    while received.len() < message.len() {
        for event in &next_events(&mut poll)? {
            if event.token() == READER {
                read_until_eagain(reader, &mut received)?;
                continue;
            }
            writable += 1;
            if writable == 1 {
                let when = format!("the peer has read {} bytes", received.len());
                out.pairs(
                    &json!({"event": "WRITABLE", "when": when, "note": "try again a little later", "claim": 173}),
                )?;
            }
            sent += write_until_eagain(writer, &message[sent..], "there is room again", |call| {
                if writable == 1 { out.pairs(&call) } else { Ok(()) }
            })?;
        }
    }
    let intact = received == message;
    out.pairs(&json!({"sent": sent, "received": received.len(), "intact": intact, "writable_events": writable}))
}

/// Writes until all of `bytes` is written or the kernel takes no more, and tells `each` call.
fn write_until_eagain(
    socket: &Socket,
    bytes: &[u8],
    when: &str,
    mut each: impl FnMut(Value) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    let mut sent = 0;
    while sent < bytes.len() {
        let rest = &bytes[sent..];
        let result = readiness::write(socket, rest)?;
        each(called("write", rest.len(), &result, when))?;
        match result {
            Ready::Done(count) => sent += count,
            Ready::NotYet => break,
        }
    }
    Ok(sent)
}

fn read_until_eagain(socket: &Socket, received: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut buffer = [0; 8192];
    loop {
        match readiness::read(socket, &mut buffer)? {
            Ready::Done(0) => bail!("read: unexpected EOF"),
            Ready::Done(count) => received.extend_from_slice(&buffer[..count]),
            Ready::NotYet => return Ok(()),
        }
    }
}

fn watch(poll: &Poll, socket: &Socket, token: Token, interest: Interest) -> io::Result<()> {
    poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), token, interest)
}

fn next_events(poll: &mut Poll) -> io::Result<Events> {
    let mut events = Events::with_capacity(2);
    while events.is_empty() {
        readiness::wait(poll, &mut events, None)?;
    }
    Ok(events)
}

/// A call that was asked to move some bytes, and did with all, with a part, or with none.
fn called(call: &str, asked: usize, result: &Ready<usize>, when: &str) -> Value {
    let mut record = json!({"call": call, "asked": asked, "returned": shown(result)});
    if let Ready::Done(count) = result {
        record["partial"] = (*count < asked).into();
    }
    record["when"] = when.into();
    record
}

fn shown(result: &Ready<impl Returned>) -> Value {
    match result {
        Ready::Done(value) => value.returned().into(),
        Ready::NotYet => "EAGAIN".into(),
    }
}
