//! `EAGAIN` of accept, read and write, and the partial reads and writes beside it.
//!
//! A non-blocking call never waits: it does what can be done at once, which may be a part of what was asked,
//! or it answers `EAGAIN`. There is no trying again "a little later": epoll says when.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 ("EAGAIN", 部分读, 部分写). Go: hidden in `net`, by its network poller.
//! Man: accept(2), recv(2), send(2), epoll(7).

use std::io::{Read, Write};
use std::mem::MaybeUninit;

use anyhow::{Context, bail};
use mio::{Interest, Poll, Token};
use nix::libc::MSG_WAITALL;
use serde_json::{Value, json};
use shared::harness::claims::{Check, Seen, seen};
use shared::harness::report::Report;
use shared::linux::failure::Failure;
use shared::linux::readiness::{self, Ready, Returned};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::asleep::Sleeper;
use crate::epoll::{self, next_events, watch};
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

pub const CHECKS: &[Check] =
    &[(172, nothing_is_eagain), (174, partial_reads_are_of_nonblocking_sockets), (175, a_write_takes_what_fits)];

/// Gets each record as soon as it is there.
type Tell<'a> = dyn FnMut(Value) -> anyhow::Result<()> + 'a;

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    converse(args.network, &mut |record| out.pairs(&record))
}

fn converse(network: Network, tell: &mut Tell<'_>) -> anyhow::Result<()> {
    let listener = listen(network)?;
    let (client, server) = accept_who_has_come(&listener, tell)?;
    read_what_has_come(&server, &client, tell)?;
    tell(all_that_was_asked_for(&server, &client)?)?;
    tell(epoll::sleeps_until_told(server.try_clone()?, &client)?)?;
    write_what_fits(&server, &client, tell)
}

/// The records of a conversation over TCP that tell of `call`.
fn calls(call: &str) -> anyhow::Result<Vec<Value>> {
    let mut records = Vec::new();
    converse(Network::Tcp, &mut |record| {
        records.push(record);
        Ok(())
    })?;
    records.retain(|record| record["call"] == call);
    Ok(records)
}

fn nothing_is_eagain() -> anyhow::Result<Seen> {
    let (accept, read) = (&calls("accept")?[0], &calls("read")?[0]);
    let as_noted = accept["returned"] == "EAGAIN" && read["returned"] == "EAGAIN";
    Ok(Seen::holds(as_noted, format!("{}; {}", seen(accept), seen(read))))
}

fn partial_reads_are_of_nonblocking_sockets() -> anyhow::Result<Seen> {
    let (read, all) = (calls("read")?, &calls("recv MSG_WAITALL")?[0]);
    let [_, nonblocking, .., blocking] = &read[..] else { bail!("four reads") };
    let exception = blocking["partial"] == true && all["partial"] == false;
    let of = |record: &Value| format!("{} of {}", record["returned"], record["asked"]);
    let evidence =
        format!("non-blocking: {}; blocking: {}; with MSG_WAITALL: {}", of(nonblocking), of(blocking), of(all));
    Ok(Seen::imprecise(nonblocking["partial"] == true, exception, evidence))
}

fn a_write_takes_what_fits() -> anyhow::Result<Seen> {
    let writes = calls("write")?;
    let full = writes.iter().position(|write| write["returned"] == "EAGAIN").context("no write answered EAGAIN")?;
    let last = &writes[full.saturating_sub(1)];
    let then = writes[full]["returned"].as_str().unwrap_or_default();
    let evidence = format!("written {} of {} bytes, then {then}", last["returned"], last["asked"]);
    Ok(Seen::holds(last["partial"] == true, evidence))
}

fn listen(network: Network) -> anyhow::Result<Socket> {
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

// ANCHOR: accept
fn accept_who_has_come(listener: &Socket, tell: &mut Tell<'_>) -> anyhow::Result<(Socket, Socket)> {
    listener.set_nonblocking(true)?;
    let accept = || readiness::nonblocking("accept", listener, || listener.accept());
    let called = |result: &Ready<_>, when: &str| json!({"call": "accept", "returned": shown(result), "when": when});
    tell(called(&accept()?, "nobody has connected"))?;

    let mut poll = Poll::new()?;
    watch(&poll, listener, Token(0), Interest::READABLE)?;
    let address = listener.local_addr()?;
    let client = Socket::new(address.domain(), Type::STREAM, None)?;
    client.connect(&address)?;
    next_events(&mut poll)?;
    let accepted = accept()?;
    tell(called(&accepted, "READABLE: a client has connected"))?;
    tell(called(&accept()?, "nobody else has"))?;
    match accepted {
        Ready::Done((server, _)) => Ok((client, server)),
        Ready::NotYet => bail!("accept: EAGAIN from a listener that was READABLE"),
    }
}
// ANCHOR_END: accept

fn read_what_has_come(server: &Socket, mut client: &Socket, tell: &mut Tell<'_>) -> anyhow::Result<()> {
    server.set_nonblocking(true)?;
    let mut buffer = [0; 4096];
    let asked = buffer.len();
    let mut read = || readiness::read(server, &mut buffer);
    tell(called("read", asked, &read()?, "nothing has come"))?;

    let mut poll = Poll::new()?;
    watch(&poll, server, Token(0), Interest::READABLE)?;
    client.write_all(b"27\t8\t")?;
    next_events(&mut poll)?;
    tell(called("read", asked, &read()?, "READABLE: 5 bytes have come"))?;
    tell(called("read", asked, &read()?, "they have been read"))?;

    readiness::write(server, b"3\t")?;
    let blocking = Ready::Done(client.read(&mut [0; 4096])?);
    let mut record = called("read", asked, &blocking, "2 bytes have come to a socket that blocks");
    record["note"] = "a property of non-blocking sockets".into();
    record["claim"] = 174.into();
    tell(record)
}

/// Asked to fill its buffer, a blocking call waits for the rest of it.
fn all_that_was_asked_for(mut server: &Socket, client: &Socket) -> anyhow::Result<Value> {
    server.write_all(b"ab")?;
    let reader = client.try_clone()?;
    let recv = Sleeper::in_call(move || reader.recv_with_flags(&mut [MaybeUninit::uninit(); 5], MSG_WAITALL))?;
    server.write_all(b"cde")?;
    let result = Ready::Done(recv.awake()??);
    Ok(called("recv MSG_WAITALL", 5, &result, "2 bytes have come, and 3 more a moment later"))
}

/// Each end works until `EAGAIN` before the next wait: then whatever moves next makes an edge.
fn write_what_fits(writer: &Socket, reader: &Socket, tell: &mut Tell<'_>) -> anyhow::Result<()> {
    const READER: Token = Token(0);
    const WRITER: Token = Token(1);
    reader.set_nonblocking(true)?;
    reader.set_recv_buffer_size(BUFFER)?;
    writer.set_send_buffer_size(BUFFER)?;
    let message: Vec<u8> = (0..MESSAGE).map(|n| n.to_le_bytes()[n % 3]).collect();
    let mut sent = write_until_eagain(writer, &message, "nobody reads", &mut *tell)?;
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
                tell(json!({"event": "WRITABLE", "when": when, "note": "try again a little later", "claim": 173}))?;
            }
            sent += write_until_eagain(writer, &message[sent..], "there is room again", |call| {
                if writable == 1 { tell(call) } else { Ok(()) }
            })?;
        }
    }
    let intact = received == message;
    tell(json!({"sent": sent, "received": received.len(), "intact": intact, "writable_events": writable}))
}

// ANCHOR: write
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
// ANCHOR_END: write

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
