//! Two clients of a server that serves one at a time, and of one that serves all.
//!
//! Note: SetDeadline、SetReadDeadline、SetWriteDeadline方法 (并发地执行). Go: a goroutine per `net.Conn`.
//! Man: accept(2), epoll(7).

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::Serialize;
use shared::cube_roots::conversation::Narrator;
use shared::cube_roots::cube_root;
use shared::cube_roots::framing::DELIMITER;
use shared::cube_roots::reactor::{self, Options};
use shared::harness::report::Report;
use shared::linux::network::Network;
use shared::linux::readiness::{Ready, nonblocking};
use shared::linux::thread::spawn_scoped;
use shared::linux::{endpoint, shutdown};

pub use crate::experiment::Args;
use crate::loopback::interface;

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&one_at_a_time()?)?;
    out.pairs(&all()?)
}

/// What came of two clients that ask at the same time.
#[derive(Serialize)]
pub struct Beside {
    served: &'static str,
    pub first_answered: u32,
    pub second_meanwhile: bool,
    pub second_in_the_end: bool,
}

/// Number of times the first client asks, at most, before the second gives up being served beside it.
const ROUNDS: u32 = 300;

/// By `serve --max-connections 1`.
pub fn one_at_a_time() -> anyhow::Result<Beside> {
    serving("one at a time", 1)
}

pub fn all() -> anyhow::Result<Beside> {
    serving("all", usize::MAX)
}

fn serving(how_many: &'static str, max_connections: usize) -> anyhow::Result<Beside> {
    interface::needed()?;
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
        let seen = two_clients(how_many, &listener.address);
        shutdown.request();
        server.join().map_err(|_| anyhow!("the server panicked"))?.context("serve")?;
        seen
    })
}

/// The second asks while the first is being served, and the first goes on asking.
fn two_clients(how_many: &'static str, server: &str) -> anyhow::Result<Beside> {
    // ANCHOR: two
    let mut first = Client::connect(server)?;
    first.ask()?;
    first.answer()?;
    let mut second = Client::connect(server)?;
    second.ask()?;
    let mut first_answered = 1;
    while first_answered <= ROUNDS && !second.is_answered()? {
        first.ask()?;
        first.answer()?;
        first_answered += 1;
    }
    let second_meanwhile = second.is_answered()?;
    drop(first);
    let second_in_the_end = cube_root::is_root(&second.answer()?);
    // ANCHOR_END: two
    Ok(Beside { served: how_many, first_answered, second_meanwhile, second_in_the_end })
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(server: &str) -> anyhow::Result<Client> {
        let stream = TcpStream::connect(server).with_context(|| format!("connect {server}"))?;
        Ok(Client(BufReader::new(stream)))
    }

    fn ask(&mut self) -> anyhow::Result<()> {
        self.0.get_mut().write_all(b"27\t").context("write to the server")
    }

    /// Without its TAB.
    fn answer(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut answer = Vec::new();
        self.0.read_until(DELIMITER, &mut answer).context("read from the server")?;
        if answer.pop().context("the server closed the connection early")? != DELIMITER {
            bail!("the server closed the connection in an answer");
        }
        Ok(answer)
    }

    fn is_answered(&self) -> anyhow::Result<bool> {
        let stream = self.0.get_ref();
        stream.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
        let peeked = nonblocking("recv", stream, || stream.peek(&mut [0])).context("recv MSG_PEEK")?;
        stream.set_nonblocking(false).context("fcntl O_NONBLOCK")?;
        Ok(peeked != Ready::NotYet)
    }
}
