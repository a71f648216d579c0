//! The conversation of the Go program: clients ask for five cube roots, and each side tells what it does.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: tcpsock.go.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsStr;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use socket2::SockAddr;

use crate::cube_roots::client::Client;
use crate::cube_roots::cube_root;
use crate::cube_roots::reactor::{self, End, Options, Service};
use crate::harness::report;
use crate::linux::endpoint::{self, Listener};
use crate::linux::network::Network;
use crate::linux::shutdown::Shutdown;
use crate::linux::stdio::escaped;
use crate::linux::thread::spawn_scoped;

/// How many numbers a client asks for.
const REQUESTS: usize = 5;

/// The whole conversation ends by then. (The Go program gives it 5 ms, and fails on a busy machine.)
const DEADLINE: Duration = Duration::from_secs(5);

/// Holds the conversation on `listener`, with this number of clients at once, and returns when it is over.
pub fn hold(listener: Listener, clients: u16) -> anyhow::Result<()> {
    let Listener { sockets, network, address, file } = listener;
    let socket = sockets.into_iter().next().context("a listening socket")?;
    let say = |line: fmt::Arguments<'_>| report::print(format_args!("Server[0]: {line}"));
    say(format_args!("Got listener for the server. (local address: {address})"))?;
    let shutdown = Shutdown::default();
    let mut failed = None;
    let service = Narrator::new(|line: fmt::Arguments<'_>| failed = failed.take().or(say(line).err()));
    let options = Options {
        records: network.keeps_boundaries(),
        idle_timeout: Duration::from_secs(10),
        max_connections: usize::MAX,
        grace: DEADLINE,
        allow_uid: &[],
    };
    thread::scope(|scope| {
        let server = spawn_scoped(scope, || reactor::run(socket, service, options, &shutdown))?;
        // A path that is not UTF-8 is dialled as it is.
        let address = file.as_ref().map_or(OsStr::new(&address), |file| file.path().as_os_str());
        let clients: Vec<_> = (1..=clients).map(|id| spawn_scoped(scope, move || ask(id, network, address))).collect();
        let asked: Vec<anyhow::Result<()>> =
            clients.into_iter().map(|client| client?.join().map_err(|_| anyhow!("a client panicked"))?).collect();
        shutdown.request();
        server.join().map_err(|_| anyhow!("the server panicked"))??;
        asked.into_iter().collect::<anyhow::Result<()>>()
    })?;
    drop(file);
    failed.map_or(Ok(()), Err)
}

// ANCHOR: ask
fn ask(id: u16, network: Network, address: &OsStr) -> anyhow::Result<()> {
    let say = |line: fmt::Arguments<'_>| report::print(format_args!("Client[{id}]: {line}"));
    let mut client = Client::dial(network, address, Duration::from_secs(2), &[])?;
    let (remote, local) = (client.remote_address(), client.local_address());
    say(format_args!("Connected to server. (remote address: {remote}, local address: {local})"))?;
    client.set_deadline(Some(Instant::now() + DEADLINE));
    for number in (0..REQUESTS).map(|_| random_int32()) {
        let request = number.to_string();
        let count = client.send(request.as_bytes())?;
        // While we hold stdout, the server cannot report a request before we have reported sending it.
        let held = io::stdout().lock();
        client.flush()?;
        say(format_args!("Sent request (written {count} bytes): {request}"))?;
        drop(held);
    }
    for _ in 0..REQUESTS {
        let Some(response) = client.receive()? else { bail!("the server closed the connection early") };
        say(format_args!("Received response: {}", escaped(&response)))?;
        if !cube_root::is_root(&response) {
            bail!("the server gave no cube root");
        }
    }
    Ok(())
}
// ANCHOR_END: ask

/// Each `RandomState` has its own keys, so what it hashes is random.
fn random_int32() -> i32 {
    let [a, b, c, d, ..] = RandomState::new().hash_one(()).to_ne_bytes();
    i32::from_ne_bytes([a, b, c, d])
}

/// Cube roots for all who ask, with a line for each step as the Go program prints it.
pub struct Narrator<F> {
    say: F,
    /// By peer, what the kernel has not taken yet.
    waiting: HashMap<usize, Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// As they are shown, with their lengths as they are sent.
    responses: VecDeque<(usize, String)>,
    /// Bytes of the first that it has taken.
    taken: usize,
}

impl<F: FnMut(fmt::Arguments<'_>)> Narrator<F> {
    /// `say` gets each line.
    pub fn new(say: F) -> Narrator<F> {
        Narrator { say, waiting: HashMap::new() }
    }

    fn respond_by(&mut self, peer: usize, answers: &mut Vec<u8>, answer: impl FnOnce(&mut Vec<u8>)) {
        let start = answers.len();
        answer(answers);
        let (length, text) = (answers.len() - start, escaped(&answers[start..answers.len() - 1]));
        self.waiting.entry(peer).or_default().responses.push_back((length, text));
    }
}

impl<F: FnMut(fmt::Arguments<'_>)> Service for Narrator<F> {
    fn established(&mut self, _peer: usize, address: &SockAddr) {
        let remote = endpoint::shown(address);
        (self.say)(format_args!("Established a connection with a client application. (remote address: {remote})"));
    }

    fn lost(&mut self, error: &io::Error) {
        (self.say)(format_args!("A connection failed before it was established: {error}"));
    }

    fn respond(&mut self, peer: usize, request: &[u8], answers: &mut Vec<u8>) {
        (self.say)(format_args!("Received request: {}", escaped(request)));
        self.respond_by(peer, answers, |answers| cube_root::answer(request, answers));
    }

    fn respond_too_long(&mut self, peer: usize, answers: &mut Vec<u8>) {
        self.respond_by(peer, answers, cube_root::answer_too_long);
    }

    fn respond_unterminated(&mut self, peer: usize, tail: &[u8], answers: &mut Vec<u8>) {
        self.respond_by(peer, answers, |answers| cube_root::answer_unterminated(tail, answers));
    }

    fn sent(&mut self, peer: usize, bytes: usize) {
        let Some(waiting) = self.waiting.get_mut(&peer) else { return };
        waiting.taken += bytes;
        while waiting.responses.front().is_some_and(|(length, _)| waiting.taken >= *length)
            && let Some((length, response)) = waiting.responses.pop_front()
        {
            waiting.taken -= length;
            (self.say)(format_args!("Sent response (written {length} bytes): {response}"));
        }
    }

    fn closed(&mut self, peer: usize, end: &End) {
        self.waiting.remove(&peer);
        match end {
            End::Orderly => (self.say)(format_args!("The connection is closed by another side.")),
            End::TimedOut => (self.say)(format_args!("The connection is closed: no request in time.")),
            End::CutOff => (self.say)(format_args!("The connection is closed: the grace period is over.")),
            End::Failed(error) => (self.say)(format_args!("The connection failed: {error}")),
        }
    }
}
