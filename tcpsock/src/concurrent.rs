//! Two clients of a server that serves one at a time, and of one that serves all.
//!
//! Note: SetDeadline、SetReadDeadline、SetWriteDeadline方法 (并发地执行). Go: a goroutine per `net.Conn`.
//! Man: accept(2), epoll(7).

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};
use shared::cube_roots::conversation::Narrator;
use shared::cube_roots::cube_root;
use shared::cube_roots::framing::DELIMITER;
use shared::cube_roots::reactor::{self, Options};
use shared::harness::claims::{Check, Seen};
use shared::linux::network::Network;
use shared::linux::readiness::{Ready, nonblocking};
use shared::linux::thread::spawn_scoped;
use shared::linux::{endpoint, shutdown};

use crate::loopback;

pub const CHECKS: &[Check] = &[(193, others_queue_behind_the_first)];

/// So often the first client asks, at most, before the second gives up to be served beside it.
const ROUNDS: u32 = 300;

/// The server of `serve --max-connections`.
fn serving(max_connections: usize) -> anyhow::Result<Value> {
    loopback::needed()?;
    let listener = endpoint::listen(Network::Tcp, "127.0.0.1:0", 8, 1)?;
    let [socket] = <[_; 1]>::try_from(listener.sockets).map_err(|_| anyhow!("one listening socket"))?;
    let options = Options {
        records: false,
        idle_timeout: Duration::ZERO,
        max_connections,
        grace: Duration::from_secs(5),
        allow_uid: &[],
    };
    let shutdown = shutdown::Shutdown::default();
    thread::scope(|scope| {
        let server = spawn_scoped(scope, || reactor::run(socket, Narrator::new(|_| ()), options, &shutdown))?;
        let record = two_clients(&listener.address);
        shutdown.request();
        server.join().map_err(|_| anyhow!("the server panicked"))??;
        record
    })
}

// ANCHOR: two
/// The second asks while the first is being served, and the first goes on asking.
fn two_clients(server: &str) -> anyhow::Result<Value> {
    let mut first = Client::connect(server)?;
    first.ask()?;
    first.answer()?;
    let mut second = Client::connect(server)?;
    second.ask()?;
    let mut rounds = 0;
    while rounds < ROUNDS && !second.is_answered()? {
        first.ask()?;
        first.answer()?;
        rounds += 1;
    }
    let beside = second.is_answered()?;
    first.leave()?;
    let after = cube_root::is_root(&second.answer()?);
    Ok(json!({"first_answered": rounds + 1, "second_meanwhile": beside, "second_in_the_end": after}))
}
// ANCHOR_END: two

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(server: &str) -> io::Result<Client> {
        TcpStream::connect(server).map(BufReader::new).map(Client)
    }

    fn ask(&mut self) -> io::Result<()> {
        self.0.get_mut().write_all(b"27\t")
    }

    /// Without its TAB.
    fn answer(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut answer = Vec::new();
        self.0.read_until(DELIMITER, &mut answer)?;
        if answer.pop().context("the server closed the connection early")? != DELIMITER {
            bail!("the server closed the connection in an answer");
        }
        Ok(answer)
    }

    fn is_answered(&self) -> io::Result<bool> {
        let stream = self.0.get_ref();
        stream.set_nonblocking(true)?;
        let peeked = nonblocking("recv", stream, || stream.peek(&mut [0]))?;
        stream.set_nonblocking(false)?;
        Ok(peeked != Ready::NotYet)
    }

    fn leave(self) -> io::Result<()> {
        self.0.get_ref().shutdown(Shutdown::Both)
    }
}

fn others_queue_behind_the_first() -> anyhow::Result<Seen> {
    let (one, all) = (serving(1)?, serving(usize::MAX)?);
    let queues = one["second_meanwhile"] == false && one["second_in_the_end"] == true;
    let concurrent = all["second_meanwhile"] == true;
    let told = |record: &Value| {
        let [meanwhile, after] =
            ["second_meanwhile", "second_in_the_end"].map(|key| if record[key] == true { "yes" } else { "no" });
        format!("the first {} times, the second meanwhile: {meanwhile}, after that: {after}", record["first_answered"])
    };
    Ok(Seen::holds(queues && concurrent, format!("answered one at a time: {}; all: {}", told(&one), told(&all))))
}
