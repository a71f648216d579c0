//! The conversation of the Go program: clients ask for five cube roots, and each side tells what it does.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: tcpsock.go.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsStr;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
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
    let (shutdown, told) = (Shutdown::default(), Told::default());
    let mut failed = None;
    let service = Narrator::new(|step: &Step<'_>| {
        failed = failed.take().or(say(format_args!("{step}")).err());
        told.count(step);
    });
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
        let ask = |id| ask(id, network, address, |rounds| told.await_rounds(rounds, usize::from(clients)));
        let clients: Vec<_> = (1..=clients).map(|id| spawn_scoped(scope, move || ask(id))).collect();
        let asked: Vec<anyhow::Result<()>> =
            clients.into_iter().map(|client| client?.join().map_err(|_| anyhow!("a client panicked"))?).collect();
        shutdown.request();
        server.join().map_err(|_| anyhow!("the server panicked"))??;
        asked.into_iter().collect::<anyhow::Result<()>>()
    })?;
    drop(file);
    failed.map_or(Ok(()), Err)
}

/// How many connections and responses the server has told of. The clients go round by round, so that its lines stand
/// between theirs: it tells of each connection before they ask, and of each response before they ask again.
#[derive(Default)]
struct Told {
    steps: Mutex<usize>,
    more: Condvar,
}

impl Told {
    fn count(&self, step: &Step<'_>) {
        if matches!(step, Step::Established(_) | Step::Sent { .. }) {
            *self.steps.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.more.notify_all();
        }
    }

    /// Until all clients have come through this number of rounds, the first of which is to connect; or the deadline.
    fn await_rounds(&self, rounds: usize, clients: usize) {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.more.wait_timeout_while(steps, DEADLINE, |steps| *steps < rounds * clients);
    }
}

fn ask(id: u16, network: Network, address: &OsStr, await_rounds: impl Fn(usize)) -> anyhow::Result<()> {
    let say = |line: fmt::Arguments<'_>| report::print(format_args!("Client[{id}]: {line}"));
    // While this thread holds stdout, the server cannot tell of what this thread has not told of yet.
    let held = io::stdout().lock();
    let mut client = Client::dial(network, address, Duration::from_secs(2), &[])?;
    let (remote, local) = (client.remote_address(), client.local_address());
    say(format_args!("Connected to server. (remote address: {remote}, local address: {local})"))?;
    drop(held);
    client.set_deadline(Some(Instant::now() + DEADLINE));
    for round in 1..=REQUESTS {
        await_rounds(round);
        let request = random_int32().to_string();
        let count = client.send(request.as_bytes())?;
        let held = io::stdout().lock();
        client.flush()?;
        say(format_args!("Sent request (written {count} bytes): {request}"))?;
        drop(held);
    }
    await_rounds(1 + REQUESTS);
    for _ in 0..REQUESTS {
        let Some(response) = client.receive()? else { bail!("the server closed the connection early") };
        say(format_args!("Received response: {}", escaped(&response)))?;
        if !cube_root::is_root(&response) {
            bail!("the server gave no cube root");
        }
    }
    Ok(())
}

/// Each `RandomState` has its own keys, so what it hashes is random.
fn random_int32() -> i32 {
    let [a, b, c, d, ..] = RandomState::new().hash_one(()).to_ne_bytes();
    i32::from_ne_bytes([a, b, c, d])
}

/// What the server does, with the line that the Go program prints of it.
pub enum Step<'a> {
    /// It has accepted this address.
    Established(&'a SockAddr),
    /// Accepting failed.
    Lost(&'a io::Error),
    /// It has received this.
    Received(&'a [u8]),
    /// The kernel has taken all bytes of a response.
    Sent {
        /// How many these were.
        length: usize,
        /// As it is shown.
        response: &'a str,
    },
    /// A connection has ended.
    Closed(&'a End),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Established(address) => {
                let remote = endpoint::shown(address);
                write!(f, "Established a connection with a client application. (remote address: {remote})")
            }
            Step::Lost(error) => write!(f, "A connection failed before it was established: {error}"),
            Step::Received(request) => write!(f, "Received request: {}", escaped(request)),
            Step::Sent { length, response } => write!(f, "Sent response (written {length} bytes): {response}"),
            Step::Closed(End::Orderly) => f.write_str("The connection is closed by another side."),
            Step::Closed(End::TimedOut) => f.write_str("The connection is closed: no request in time."),
            Step::Closed(End::CutOff) => f.write_str("The connection is closed: the grace period is over."),
            Step::Closed(End::Failed(error)) => write!(f, "The connection failed: {error}"),
        }
    }
}

/// Cube roots for all who ask, and a word on each step.
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

impl<F: FnMut(&Step<'_>)> Narrator<F> {
    /// `say` gets each step.
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

impl<F: FnMut(&Step<'_>)> Service for Narrator<F> {
    fn established(&mut self, _peer: usize, address: &SockAddr) {
        (self.say)(&Step::Established(address));
    }

    fn lost(&mut self, error: &io::Error) {
        (self.say)(&Step::Lost(error));
    }

    fn respond(&mut self, peer: usize, request: &[u8], answers: &mut Vec<u8>) {
        (self.say)(&Step::Received(request));
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
            (self.say)(&Step::Sent { length, response: &response });
        }
    }

    fn closed(&mut self, peer: usize, end: &End) {
        self.waiting.remove(&peer);
        (self.say)(&Step::Closed(end));
    }
}
