//! The command `load`: many connections at once, every answer verified byte for byte.
//!
//! Each connection sends a batch of requests in one write, waits for all its answers, and sends the
//! next. Latency is from the write to the read that completes the answer.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: `net.Dial`, a goroutine per connection. Man: epoll(7).

mod connect;
mod script;
mod summary;

use std::ffi::OsStr;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use socket2::Socket;

use crate::cube_roots::framing::DELIMITER;
use crate::cube_roots::outbox::Outbox;
use crate::harness::report::Report;
use crate::linux::endpoint;
use crate::linux::failure::Failure;
use crate::linux::network::Network;
use crate::linux::readiness::{self, Ready, read};
use crate::linux::stdio::complain;
use script::Script;
use summary::Summary;

/// How long to wait, after the duration, for answers still on their way.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// How often the progress bar moves.
const FRAME: Duration = Duration::from_millis(100);

/// Options of `load`, except address and network.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// How many connections
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// How many requests each connection sends before it reads the answers
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    depth: u32,
    /// How long to send requests
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = crate::harness::duration::some)]
    duration: Duration,
    /// Give up connecting after this time, name resolution included (0: never)
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = crate::harness::duration::limit)]
    dial_timeout: Duration,
}

/// Loads the server at `address` and prints the summary; fails when an answer was wrong or missing.
///
/// Unless `allowed` is empty, the server of a Unix socket must run as one of these users, or it is sent nothing.
pub fn run(
    network: Network,
    address: &(impl AsRef<OsStr> + ?Sized),
    args: &Args,
    allowed: &[u32],
    out: &mut Report,
) -> anyhow::Result<()> {
    endpoint::raise_descriptor_limit()?;
    let script = Script::new(args.depth as usize);
    let mut load = Load::new(network, &script)?;
    let sockets = connect::all(network, address.as_ref(), args.connections, args.dial_timeout, allowed)?;
    load.errors = u64::from(args.connections) - sockets.len() as u64;
    sockets.into_iter().try_for_each(|socket| load.add(socket))?;
    let bar = ProgressBar::new(u64::try_from(args.duration.as_millis())?);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {msg}")?);
    let start = Instant::now();
    load.ask_until(start + args.duration, |load, now| {
        bar.set_position(u64::try_from(now.duration_since(start).as_millis()).unwrap_or(u64::MAX));
        bar.set_message(format!("{} requests", load.latencies.len()));
    })?;
    // The rate does not count time spent waiting in vain.
    let elapsed = load.last_answer.map_or_else(|| start.elapsed(), |last| last - start);
    bar.finish_and_clear();
    let requests = load.latencies.len();
    let us = |quantile| load.latencies.value_at_quantile(quantile) as f64 / 1e3;
    out.record(&Summary {
        network: network.name(),
        address: address.as_ref().display().to_string(),
        connections: args.connections,
        depth: args.depth,
        elapsed_ms: elapsed.as_millis(),
        requests,
        errors: load.errors,
        requests_per_s: u64::try_from(u128::from(requests) * 1_000_000_000 / elapsed.as_nanos())?,
        p50_us: us(0.5),
        p99_us: us(0.99),
        p999_us: us(0.999),
        max_us: us(1.0),
    })?;
    if load.errors > 0 { Err(Failure::AlreadySaid.into()) } else { Ok(()) }
}

struct Load<'a> {
    poll: Poll,
    script: &'a Script,
    records: bool,
    asking: Vec<Option<Asking>>,
    /// Connections that still wait for answers.
    active: usize,
    input: Vec<u8>,
    /// In nanoseconds.
    latencies: Histogram<u64>,
    last_answer: Option<Instant>,
    errors: u64,
}

/// One connection and the batch it waits for.
struct Asking {
    socket: Socket,
    outbox: Outbox,
    batch: usize,
    /// Bytes of the expected answers that have come.
    received: usize,
    sent_at: Instant,
}

impl<'a> Load<'a> {
    fn new(network: Network, script: &'a Script) -> anyhow::Result<Load<'a>> {
        Ok(Load {
            poll: Poll::new().context("epoll_create")?,
            script,
            records: network.keeps_boundaries(),
            asking: Vec::new(),
            active: 0,
            input: vec![0; 64 << 10],
            latencies: Histogram::new(3)?,
            last_answer: None,
            errors: 0,
        })
    }

    fn add(&mut self, socket: Socket) -> anyhow::Result<()> {
        let nth = self.asking.len();
        socket.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
        let registered =
            self.poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), Token(nth), Interest::READABLE);
        registered.context("epoll_ctl")?;
        let (outbox, sent_at) = (Outbox::default(), Instant::now());
        self.asking.push(Some(Asking { socket, outbox, batch: nth % self.script.batches(), received: 0, sent_at }));
        self.active += 1;
        Ok(())
    }

    /// Sends requests until `end`, then waits for the outstanding answers.
    fn ask_until(&mut self, end: Instant, mut progress: impl FnMut(&Self, Instant)) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut frame = Instant::now();
        for nth in 0..self.asking.len() {
            self.each(nth, |asking, load| asking.ask(load.script, load.records));
        }
        while self.active > 0 {
            let now = Instant::now();
            if now >= end + LAST_ANSWERS {
                complain(&anyhow!("{} connections still wait for answers", self.active));
                self.errors += self.active as u64;
                break;
            }
            readiness::wait(&mut self.poll, &mut events, Some(FRAME)).context("epoll_wait")?;
            for event in &events {
                let ended = event.is_read_closed() || event.is_error();
                self.each(event.token().0, |asking, load| asking.turn(load, end, ended));
            }
            if now >= frame {
                frame = now + FRAME;
                progress(self, now);
            }
        }
        Ok(())
    }

    /// Lets one connection work, and closes it when it is done or has failed.
    fn each(&mut self, nth: usize, work: impl FnOnce(&mut Asking, &mut Self) -> anyhow::Result<bool>) {
        let Some(mut asking) = self.asking[nth].take() else { return };
        let worked = work(&mut asking, self);
        let waits = asking.outbox.await_room(&self.poll, &asking.socket, Token(nth));
        match worked.and_then(|goes_on| Ok(waits.map(|()| goes_on)?)) {
            Ok(true) => self.asking[nth] = Some(asking),
            Ok(false) => self.active -= 1,
            Err(error) => {
                complain(&error.context(format!("connection {nth}")));
                self.errors += 1;
                self.active -= 1;
            }
        }
    }
}

impl Asking {
    fn ask(&mut self, script: &Script, records: bool) -> anyhow::Result<bool> {
        self.sent_at = Instant::now();
        self.outbox.send(&self.socket, script.requests(self.batch), records).context("write")?;
        Ok(true)
    }

    /// Reads what is there, verifies it, and sends the next batch. False when the connection is done.
    ///
    /// Reads until EAGAIN or the end, unless a short read has completed a batch: then only the end of the stream can
    /// follow, which this event has reported (`ended`), or another will.
    fn turn(&mut self, load: &mut Load<'_>, end: Instant, ended: bool) -> anyhow::Result<bool> {
        if !self.outbox.is_empty() {
            self.outbox.flush(&self.socket, load.records).context("write")?;
        }
        loop {
            let count = match read(&self.socket, &mut load.input).context("read")? {
                Ready::NotYet => return Ok(true),
                Ready::Done(0) => bail!("read: unexpected EOF"),
                Ready::Done(count) => count,
            };
            let (came, expected) = (&load.input[..count], load.script.answers(self.batch));
            let rest = &expected[self.received..];
            if !rest.starts_with(came) {
                let wanted = &rest[..rest.len().min(count)];
                bail!(
                    "wrong answer: expected {:?}, got {:?}",
                    wanted.escape_ascii().to_string(),
                    came.escape_ascii().to_string()
                );
            }
            self.received += count;
            let now = Instant::now();
            load.last_answer = Some(now);
            let answers = came.iter().filter(|&&byte| byte == DELIMITER).count() as u64;
            load.latencies.record_n(u64::try_from((now - self.sent_at).as_nanos())?, answers)?;
            if self.received == expected.len() {
                if now >= end {
                    return Ok(false);
                }
                self.received = 0;
                self.batch = (self.batch + 1) % load.script.batches();
                self.ask(load.script, load.records)?;
                if count < load.input.len() && !ended && !load.records {
                    return Ok(true);
                }
            }
        }
    }
}
